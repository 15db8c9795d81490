"""The books as the ledger sees them: rows go in with marks, sums come out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple, Protocol

import msgspec

from modelops.metering.attempt import Attempt
from modelops.resources.resolved import Settings
from modelops.store.protocol import AttemptStore, ConfigStore, Revision

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
    """What one group of rows adds up to. Cache-write tokens are those of both lifetimes.

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

    def add(self, more: Sums) -> None:
        """Add the sums of another group."""
        for name in self.__struct_fields__:
            value = getattr(more, name)
            if isinstance(value, dict):
                counts: dict[int, int] = getattr(self, name)
                for bucket, count in value.items():
                    counts[bucket] = counts.get(bucket, 0) + count
            else:
                setattr(self, name, getattr(self, name) + value)


class UsageGroup(msgspec.Struct, frozen=True, kw_only=True):
    """The sums of one group: its values in the order of `by`, and its slot when asked for.

    A slot is a quarter of an hour of Unix time, numbered from 0.
    """

    key: tuple[str, ...]
    slot: int | None
    sums: Sums


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


class BooksStore(AttemptStore, Protocol):
    """What brings journals to the store."""

    async def add_journalled(self, attempts: Sequence[Attempt], mark: JournalMark) -> None:
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
    """What was added to the cost of an attempt after it was booked, in pico-USD."""

    total_pico: int
    input_pico: int


class SumsStore(Protocol):
    """What adds up the books, where they are or behind a server."""

    async def usage(self, selection: Selection) -> Sequence[UsageGroup]:
        """Return the sums of every group that has a row."""
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


class KeepingStore(BooksStore, UsageStore, ConfigStore, Protocol):
    """What retention and corrections work on."""

    async def prune_attempts(self, before_us: int) -> int:
        """Delete a batch of attempts from before a UTC day, their sums being kept."""
        ...

    async def count_attempts(self, before_us: int) -> int:
        """Return how many attempts there are that started before a time."""
        ...

    async def adjusted(self, attempt_ids: Sequence[str]) -> Mapping[str, Adjustment]:
        """Return what the adjustments of each of these attempts add up to, where it has any."""
        ...
