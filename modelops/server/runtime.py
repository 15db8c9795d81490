"""The parts one worker runs on, and what it has live."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Protocol

import msgspec

from modelops.gateway.gateway import Gateway
from modelops.ledger import Ledger
from modelops.server.access import AccessError
from modelops.server.body_budget import BodyBudget
from modelops.server.clock import SystemClock
from modelops.server.clock_watch import ClockWatch
from modelops.server.live import Live
from modelops.server.observer import Observer
from modelops.server.settings import ServerSettings
from modelops.server.telemetry import Telemetry
from modelops.store.books import BooksStore, UsageStore
from modelops.store.protocol import ConfigStore, Head, Instance, OperationsStore


class ServerStore(ConfigStore, BooksStore, OperationsStore, UsageStore, Protocol):
    """A whole store: revisions, books, what workers say of themselves and what reports read."""

    @property
    def place(self) -> str:
        """How messages call the store: never with a password."""
        ...


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Which worker this is; `started_at_us` is Unix time."""

    instance: str
    host: str
    pid: int
    started_at_us: int


@dataclass(slots=True)
class Runtime:
    """One worker's parts. `live` is None until a revision has been compiled.

    `store_error` says why the store does not answer, `heartbeat_error` why it did not take this
    worker's last sign of life, `revision_error` why its head is not what is served, `books_error`
    why the store takes no rows though it answers; all are '' when all is well. `failed` is the head
    that did not compile; it, and the files that hold secrets, are looked at again at
    `look_again_at` (monotonic).
    `lost` counts the rows that the books had lost when that was last looked at, and at `lost_at`
    (monotonic) it rose.
    `ended` are the rows of workers that have ended, as last read while no other worker ran; None
    when one did.
    """

    settings: ServerSettings
    identity: Identity
    store: ServerStore
    ledger: Ledger
    observer: Observer
    gateway: Gateway
    clock: SystemClock
    random: Random
    telemetry: Telemetry | None = None
    live: Live | None = None
    store_error: str = ""
    heartbeat_error: str = ""
    revision_error: str = ""
    books_error: str = ""
    failed: Head | None = None
    look_again_at: float = 0.0
    lost: int = 0
    lost_at: float = 0.0
    ended: Sequence[Instance] | None = None
    clock_watch: ClockWatch = field(default_factory=ClockWatch)
    body_budget: BodyBudget = field(default_factory=BodyBudget)

    def go_live(self, live: Live) -> None:
        """Serve from this revision; requests under way keep the one they began with."""
        self.gateway.table = live.table
        self.live = live

    def store_problem(self) -> str:
        """Return why the store cannot be read or written, '' when it can be both."""
        return self.store_error or self.heartbeat_error

    def note_losses(self) -> None:
        """Note when the books lose rows."""
        if self.ledger.lost != self.lost:
            self.lost, self.lost_at = self.ledger.lost, self.clock.monotonic()

    def served_revision(self) -> tuple[int, str]:
        """Return the revision that is served, and why it is not the store's head ('' if it is)."""
        return self.live.head.revision if self.live else 0, self.revision_error

    def serves(self) -> bool:
        """Whether there is a revision to serve."""
        return self.live is not None and self.live.head.revision > 0

    def required(self) -> Live:
        """Return what is live; AccessError 503 when nothing is."""
        if self.live is None:
            raise AccessError(503, self.nothing_served())
        return self.live

    def on_wrong_listener(self, address: tuple[str, int | None] | None, *, admin: bool) -> bool:
        """Whether a request came to a listening address that does not serve its route."""
        admin_port = self.settings.admin_port
        return bool(admin_port) and (address is not None and address[1] == admin_port) != admin

    def nothing_served(self) -> str:
        """Return why there is nothing to serve from, and what to do."""
        if reason := self.revision_error or self.store_error:
            return reason
        if self.live is not None and not self.live.head.store_id:
            return (
                f"{self.store.place} does not exist: bring it back, or begin with `modelops apply`"
            )
        return "no configuration has been applied yet; run `modelops apply`"
