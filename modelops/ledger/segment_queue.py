"""One of a worker's own segments as a queue of rows for the store.

The store is told, together with the rows, how much of a segment is consumed: everything before the
oldest BEGIN whose END has not been seen. So a worker that is killed loses no row and no call.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from modelops.ledger.records import BEGIN, Kind, Unreadable, scan
from modelops.ledger.segment import Segment
from modelops.metering.attempt import Attempt
from modelops.store.blocks import BLOCK, block_of
from modelops.store.books import Block, JournalMark
from modelops.store.protocol import StoreRefusedError

ROWS_MAX = 5_000
"""Rows that are also kept in memory until they are in the store, about 5 MB: they need not be read
back. A store that is away for longer finds the rest in the file."""

_READ_BYTES = 1 << 18
"""Of a file at once: some 600 rows, which hold the event loop for a few milliseconds."""


class Batch(NamedTuple):
    """Rows for the store, with the mark to commit with them, and what to note once they are in.

    That is: where the last one ends, the calls then open that began in this segment, and those that
    ended and did not. `refused` says of each row that no store takes why; it is in no block.
    """

    blocks: list[Block]
    mark: JournalMark
    end: int
    open_calls: dict[str, int]
    ended_elsewhere: list[str]
    refused: list[str]

    @property
    def rows(self) -> int:
        """How many rows there are, those that are refused included."""
        return sum(block.rows for block in self.blocks) + len(self.refused)


class SegmentQueue:
    """A segment with the offset up to which its rows are in the store, and the calls not ended.

    `offered` is the offset up to which the store was asked to take rows: it may have done so even
    where its answer was lost. `open_calls` are the BEGINs without an END before `position`.
    What was written from offset `_kept_from` on is in `_blocks` and, at its end, in `_rows`.
    `_open_now` and `_elsewhere` are what a batch up to the end would leave open, and what ended
    among them without having begun here.
    """

    __slots__ = (
        "_blocks",
        "_elsewhere",
        "_kept_from",
        "_open_now",
        "_refused",
        "_rows",
        "offered",
        "open_calls",
        "position",
        "segment",
    )

    def __init__(self, segment: Segment) -> None:
        self.segment = segment
        self.position = 0
        self.offered = 0
        self.open_calls: dict[str, int] = {}
        self._blocks: list[Block] = []
        self._rows: list[Attempt] = []
        self._kept_from = segment.size
        self._open_now: dict[str, int] = {}
        self._elsewhere: list[str] = []
        self._refused: list[str] = []

    @property
    def drained(self) -> bool:
        """Whether every row of the segment is in the store."""
        return self.position == self.segment.size

    @property
    def kept(self) -> int:
        """How many rows are at hand in memory."""
        return sum(block.rows for block in self._blocks) + len(self._rows)

    @property
    def done(self) -> bool:
        """Whether the segment holds nothing that is needed."""
        return self.drained and not self.open_calls

    def append(self, kind: Kind, attempt: Attempt, content: bytes) -> bool:
        """Write a record and keep its row at hand; return whether there was room for it."""
        start = self.segment.size
        if not self.segment.append(content):
            return False
        attempt_id = attempt.attempt_id
        if kind is BEGIN:
            self._open_now[attempt_id] = start
            return True
        if self._open_now.pop(attempt_id, None) is None:
            self._elsewhere.append(attempt_id)
        self._rows.append(attempt)
        if len(self._rows) == BLOCK:
            self._make_block()
            if self.kept > ROWS_MAX:
                self.drop_cache()
        return True

    def drop_cache(self) -> None:
        """Keep none of the rows in memory: they are read back from the file."""
        self._blocks, self._rows, self._elsewhere, self._refused = [], [], [], []
        self._kept_from = self.segment.size

    def next_batch(self) -> Batch | None:
        """Return what to deliver to the store next, marked up to the oldest call still open."""
        batch = self._at_hand() if self.position == self._kept_from else self._from_file()
        if batch is not None:
            self.offered = max(self.offered, batch.end)
        return batch

    def advance(self, batch: Batch) -> None:
        """Note that a batch is in the store."""
        if self.position == self._kept_from:
            del self._blocks[: len(batch.blocks)]
            del self._elsewhere[: len(batch.ended_elsewhere)]
            del self._refused[: len(batch.refused)]
            self._kept_from = batch.end
        self.position = batch.end
        self.open_calls = batch.open_calls

    def close_calls(self, attempt_ids: Iterable[str]) -> None:
        """Note calls that have ended without an END in any segment, while no batch is under way."""
        for attempt_id in attempt_ids:
            self.open_calls.pop(attempt_id, None)
            self._open_now.pop(attempt_id, None)

    def _at_hand(self) -> Batch:
        if self._rows:
            self._make_block()
        return self._batch(
            self._blocks[:],
            self.segment.size,
            dict(self._open_now),
            self._elsewhere[:],
            self._refused[:],
        )

    def _make_block(self) -> None:
        self._blocks += _blocks_of(self._rows, self._refused)
        self._rows = []

    def _from_file(self) -> Batch | None:
        limit = min(_READ_BYTES, self._kept_from - self.position)
        records = scan(self.segment.read(self.position, limit), self.position)
        if not records:
            return None
        rows: list[Attempt] = []
        open_calls = dict(self.open_calls)
        elsewhere: list[str] = []
        refused: list[str] = []
        for record in records:
            if record.kind == BEGIN:
                open_calls[record.attempt_id] = record.start
                continue
            if isinstance(record, Unreadable):
                refused.append(record.reason)
            else:
                rows.append(record.attempt)
            if open_calls.pop(record.attempt_id, None) is None:
                elsewhere.append(record.attempt_id)
        blocks = _blocks_of(rows, refused)
        return self._batch(blocks, records[-1].end, open_calls, elsewhere, refused)

    def _batch(
        self,
        blocks: list[Block],
        end: int,
        open_calls: dict[str, int],
        elsewhere: list[str],
        refused: list[str],
    ) -> Batch:
        mark = JournalMark(self.segment.name, min(open_calls.values(), default=end))
        return Batch(blocks, mark, end, open_calls, elsewhere, refused)


def _blocks_of(rows: list[Attempt], refused: list[str]) -> list[Block]:
    """Return rows as blocks, and why one cannot be in any among what is refused."""
    if not rows:
        return []
    try:
        return [block_of(rows)]
    except StoreRefusedError as error:
        if len(rows) == 1:
            refused.append(error.message)
            return []
        half = len(rows) // 2
        return _blocks_of(rows[:half], refused) + _blocks_of(rows[half:], refused)
