"""What the rest of the program asks of a store, and the data that crosses.

Two halves: `ConfigStore` holds revisions (a database, or later a running server's API), and
`AttemptStore` the books. A revision is numbered, immutable and complete; revision 0 is the empty
one that a store is born with, so the first apply has a base to compare like any other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

import msgspec

from modelops.metering.attempt import Attempt
from modelops.resources.errors import ExitCode, ModelopsError, RefusedError, StaleError
from modelops.resources.resolved import Resource, Settings
from modelops.resources.state import State

RevisionKind = Literal["apply", "rollback"]


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """Which revision a store stands at; `config` and `environment` '' before the first apply."""

    store_id: str
    config: str
    environment: str
    revision: int
    digest: str
    config_digest: str


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """One revision of a store, whole."""

    head: Head
    state: State


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    """What a new revision changes against its base: resources to put, addresses to delete."""

    put: tuple[Resource, ...] = ()
    delete: tuple[str, ...] = ()


class CommitInfo(msgspec.Struct, frozen=True, kw_only=True):
    """Who and what stands behind a new revision. `created_at_us` is Unix time in microseconds.

    `counts` says how many resources it created, updated and deleted.
    """

    kind: RevisionKind
    config: str
    environment: str
    config_digest: str
    created_at_us: int
    created_by: str
    git_commit: str
    message: str
    tool_version: str
    catalog: str
    counts: dict[str, int]


class Revision(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a store's history."""

    revision: int
    base: int
    digest: str
    info: CommitInfo


class ConfigStore(Protocol):
    """The half of a store that holds revisions."""

    async def head(self) -> Head:
        """Return where the store stands: one row, cheap enough to poll."""
        ...

    async def snapshot(self, revision: int | None = None) -> Snapshot:
        """Return a revision whole, the head's by default; ModelopsError when there is none."""
        ...

    async def commit(self, base: Head, changes: Changes, info: CommitInfo) -> Revision:
        """Make a new revision, all or nothing; StaleError unless the store stands at `base`."""
        ...

    async def revisions(self, limit: int, before: int | None = None) -> Sequence[Revision]:
        """Return the newest revisions first, those below `before` when it is given."""
        ...

    async def close(self) -> None:
        """Give back every connection."""
        ...


class AttemptStore(Protocol):
    """The half of a store that holds the books."""

    async def add_attempts(self, attempts: Sequence[Attempt]) -> None:
        """Keep these rows, each once: an attempt_id that is there already is passed over."""
        ...


SLOT_US = 15 * 60 * 1_000_000
"""A slot is a quarter of an hour: the coarsest step that every time zone's days are made of."""

Dimension = Literal["provider", "model", "agent", "user", "chain", "revision", "status"]
"""What the books can be grouped and filtered by. `model` is provider/model, `status` that of
metering.attempt.request_status.
"""


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """Which rows to add up, and into which groups.

    Rows that started at `since_us` or later and before `until_us`; a filter lets through the rows
    whose value is among those it names. `by_slot` also groups by quarters of an hour.
    """

    since_us: int
    until_us: int
    by: tuple[Dimension, ...] = ()
    by_slot: bool = False
    filters: Mapping[Dimension, tuple[str, ...]] = {}


class Sums(msgspec.Struct, kw_only=True):
    """What one group of rows adds up to: every field can be added to that of another group.

    `attempts` leaves out refused requests, which reached no provider; `requests` counts final rows.
    Attempts without a cost are `unpriced` when their usage was reported, else `unmetered`. Latency
    is that of successful attempts. Histograms count by bucket (metering/histogram.py). Money is
    pico-USD; Python's integers do not overflow.
    """

    attempts: int = 0
    attempts_ok: int = 0
    attempts_cancelled: int = 0
    requests: int = 0
    requests_ok: int = 0
    requests_fallback: int = 0
    requests_cancelled: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    cost_pico: int = 0
    input_cost_pico: int = 0
    output_cost_pico: int = 0
    estimate_pico: int = 0
    unpriced: int = 0
    unmetered: int = 0
    simulated: int = 0
    latency_count: int = 0
    latency_sum_us: int = 0
    first_content_count: int = 0
    first_content_sum_us: int = 0
    latency: dict[int, int] = {}
    first_content: dict[int, int] = {}


class UsageGroup(msgspec.Struct, frozen=True, kw_only=True):
    """The sums of one group: its values in the order of `by`, and its slot when asked for.

    A slot is a quarter of an hour of Unix time, numbered from 0.
    """

    key: tuple[str, ...]
    slot: int | None
    sums: Sums


class UsageStore(Protocol):
    """What reports read."""

    async def settings(self) -> Settings | None:
        """Return the settings of the head; None before the first apply."""
        ...

    async def usage(self, selection: Selection) -> Sequence[UsageGroup]:
        """Return the sums of every group that has a row."""
        ...


class StoreError(ModelopsError):
    """The store cannot be used; its subclasses say why."""


class StoreMissingError(StoreError):
    """There is no store where something is to be written."""


class StoreUnreachableError(StoreError):
    """The file cannot be opened, or the database server does not answer."""


class NotAStoreError(StoreError):
    """The file or database holds something else."""


class StoreDamagedError(StoreError):
    """What the store holds does not agree with its own digests, or cannot be read."""


class StoreReadOnlyError(StoreError):
    """The store can be read but not written."""


class StoreFullError(StoreError):
    """The disk under the store is full."""


class StoreLockedError(StoreError):
    """Another process holds the store longer than the wait (exit 5)."""

    exit_code = ExitCode.LOCKED


class StoreNewerError(StoreError):
    """The store was written by a newer modelops."""


class StoreOlderError(StoreError):
    """The store was written by an older modelops and is not migrated yet."""


class StoreMismatchError(RefusedError):
    """The store belongs to another configuration or environment (exit 3)."""


class StoreStaleError(StaleError):
    """The store no longer stands at the base of a commit (exit 4)."""
