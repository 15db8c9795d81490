"""The books as the ledger sees them: rows go in with marks, sums come out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, NamedTuple, Protocol

import msgspec

from modelops.metering.attempt import Attempt
from modelops.resources.resolved import Settings
from modelops.resources.times import MINUTE_US
from modelops.store.protocol import AttemptStore, ConfigStore, Revision
from modelops.store.sums import Packed, Sums, Tallies

SLOT_US = 15 * MINUTE_US
"""A slot is a quarter of an hour: the coarsest step that every time zone's days are made of."""

Dimension = Literal["provider", "model", "agent", "user", "chain", "revision", "status"]
"""What the books can be grouped and filtered by. `model` is provider/model, `status` that of
metering.attempt.request_status.
"""


UnixUs = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
"""Microseconds of Unix time, as far as a column holds them."""


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """Which rows to add up, and into which groups.

    Rows that started at `since_us` or later and before `until_us`; a filter lets through the rows
    whose value is among those it names. With `starts`, Unix microseconds in their order of which
    the first is not behind `since_us`, rows are also grouped by the last of them before their own.
    With `label_versions`, by agent the revisions that changed its labels, in their order, rows are
    grouped by the last of these that is not behind their own, or the first; by 0 if there is none.
    `request_id` chooses the attempts of one request, when single ones are listed.
    """

    since_us: UnixUs
    until_us: UnixUs
    by: tuple[Dimension, ...] = ()
    starts: tuple[UnixUs, ...] = ()
    label_versions: Mapping[str, tuple[int, ...]] | None = msgspec.field(
        default=None,
        name="eras",  # what it is called where a server is asked
    )
    filters: Mapping[Dimension, tuple[str, ...]] = {}
    request_id: str = ""


MAX_GROUPS = 100_000
"""Groups of one selection, those of each start apart: about 120 MB (benchmarks/README.md)."""


class UsageGroup(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The sums of one group: its values in the order of `by`, and which of `starts` is its own."""

    key: tuple[str, ...]
    start_us: int | None
    packed: Packed

    @property
    def sums(self) -> Sums:
        """The sums by name, unpacked anew each time."""
        return self.packed.unpack()


class LabelSpan(msgspec.Struct, frozen=True, kw_only=True):
    """The labels of an agent from revision `since` up to, but not in, `until`; None: to now."""

    agent: str
    since: int
    until: int | None
    labels: Mapping[str, str]


class JournalMark(NamedTuple):
    """How many bytes of a journal, named as its file is, are in the store."""

    journal: str
    consumed: int


class Block(NamedTuple):
    """Attempts as a driver takes them, and what they add up to (`blocks.py` makes it).

    They have values in the same columns, `names`, and in the first of these, as many as `shared`
    says, the same value. Each of `groups` has what is shared and then the other values of many
    rows, one row behind the other; each of `rest` has those of one. Bools are integers.
    """

    rows: int
    names: tuple[str, ...]
    shared: int
    groups: list[tuple[Any, ...]]
    rest: list[tuple[Any, ...]]
    tallies: Tallies


class BooksStore(AttemptStore, Protocol):
    """What brings journals to the store."""

    async def add_journalled(self, blocks: Sequence[Block], mark: JournalMark) -> None:
        """Keep these rows and the mark, both or neither; each row once, as add_attempts does."""
        ...

    async def journal_marks(self) -> Mapping[str, int]:
        """Return how much of each journal is consumed; one that is missing is not begun."""
        ...

    async def forget_journals(self, names: Sequence[str]) -> None:
        """Drop the marks of journals that are deleted."""
        ...


class AttemptCursor(NamedTuple):
    """A place in the list of attempts, newest first: behind the attempt it names."""

    started_at_us: int
    attempt_id: str


class Adjustment(NamedTuple):
    """What was added to the cost of an attempt after it was booked, in pico-USD, by `rows` rows."""

    total_pico: int
    input_pico: int
    rows: int


class SumsStore(Protocol):
    """What adds up the books, where they are or behind a server."""

    async def usage(self, selection: Selection) -> Sequence[UsageGroup]:
        """Return the sums of every group that has a row; ModelopsError when they are too many."""
        ...


class UsageStore(SumsStore, Protocol):
    """What reports read."""

    async def revisions(self, limit: int, before: int | None = None) -> Sequence[Revision]:
        """Return the newest revisions first, those below `before` when it is given."""
        ...

    async def settings(self) -> Settings | None:
        """Return the settings of the head; None before the first apply."""
        ...

    async def agent_labels(self) -> Sequence[LabelSpan]:
        """Return the labels that every agent has and had."""
        ...

    async def list_attempts(
        self, selection: Selection, limit: int, after: AttemptCursor | None = None
    ) -> Sequence[Attempt]:
        """Return the newest attempts of a selection that stand behind a cursor."""
        ...


class MaintenanceStore(BooksStore, UsageStore, ConfigStore, Protocol):
    """What retention and corrections work on."""

    async def prune_attempts(self, before_us: int) -> int:
        """Delete a batch of attempts from before a UTC day, their sums being kept."""
        ...

    async def count_attempts(self, before_us: int) -> int:
        """Return how many attempts there are that started before a time."""
        ...

    async def add_adjustments(self, rows: Sequence[Attempt]) -> Sequence[Attempt]:
        """Keep these rows as add_attempts does, and return those that were not there already."""
        ...

    async def adjusted(self, attempt_ids: Sequence[str]) -> Mapping[str, Adjustment]:
        """Return what the adjustments of each of these attempts add up to, where it has any."""
        ...
