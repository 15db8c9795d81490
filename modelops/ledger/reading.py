"""One of a worker's own segments, and how far it has been brought to the store.

The store is told, together with the rows, how much of a segment is consumed: everything before the
oldest BEGIN whose END has not been seen. So a worker that is killed loses no row and no call.
"""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import NamedTuple

from modelops.ledger.records import Kind, Record, scan
from modelops.ledger.segment import Segment
from modelops.metering.attempt import Attempt
from modelops.store.books import JournalMark

BATCH_RECORDS = 8_000
"""Records in one transaction at most. Their rows share its cost: 12 us each, 21 in batches of
1,000. It holds the write lock for a twentieth of a second."""

RECENT_MAX = 10_000
"""Records that are also kept in memory until they are in the store, about 10 MB: they need not be
read back. A store that is away for longer finds the rest in the file."""

_READ_BYTES = 2 << 20
_BEGIN = Kind.BEGIN


class Batch(NamedTuple):
    """Rows for the store, with the mark to commit with them, and what to note once they are in.

    That is: how many records they were, where the last one ends, the calls then open that began in
    this segment, and those that ended and did not.
    """

    rows: list[Attempt]
    mark: JournalMark
    records: int
    end: int
    open_calls: dict[str, int]
    ended_elsewhere: list[str]


class Reading:
    """A segment, the offset up to which its rows are in the store, and calls that have not ended.

    `offered` is the offset up to which the store was asked to take rows: it may have done so even
    where its answer was lost. `open_calls` are the BEGINs without an END before `position`.
    `recent` holds the last records that were written, without a gap.
    """

    __slots__ = ("offered", "open_calls", "position", "recent", "segment")

    def __init__(self, segment: Segment) -> None:
        self.segment = segment
        self.position = 0
        self.offered = 0
        self.open_calls: dict[str, int] = {}
        self.recent: deque[Record] = deque()

    @property
    def drained(self) -> bool:
        """Whether every row of the segment is in the store."""
        return self.position == self.segment.size

    @property
    def done(self) -> bool:
        """Whether the segment holds nothing that is needed."""
        return self.drained and not self.open_calls

    def fits(self, record: bytes) -> bool:
        """Whether the segment has room for a record."""
        return self.segment.size + len(record) <= self.segment.capacity

    def append(self, kind: Kind, attempt: Attempt, content: bytes) -> None:
        """Write a record, and keep it at hand."""
        segment, recent = self.segment, self.recent
        start = segment.size
        segment.append(content)
        if len(recent) >= RECENT_MAX:
            recent.clear()
        recent.append(Record(kind, attempt, start, segment.size))

    def unread(self) -> list[Record]:
        """Return the next records that are not in the store yet, from memory or from the file."""
        if self.recent and self.recent[0].start == self.position:
            return list(islice(self.recent, BATCH_RECORDS))
        limit = min(_READ_BYTES, self.segment.size - self.position)
        return scan(self.segment.read(self.position, limit), self.position)

    def next_batch(self) -> Batch | None:
        """Return what to bring to the store next, marked up to the oldest call still open."""
        records = self.unread()
        if not records:
            return None
        end = records[-1].end
        rows: list[Attempt] = []
        open_calls = dict(self.open_calls)
        elsewhere: list[str] = []
        for kind, attempt, start, _ in records:
            if kind is _BEGIN:
                open_calls[attempt.attempt_id] = start
                continue
            rows.append(attempt)
            if open_calls.pop(attempt.attempt_id, None) is None:
                elsewhere.append(attempt.attempt_id)
        self.offered = max(self.offered, end)
        mark = JournalMark(self.segment.name, min(open_calls.values(), default=end))
        return Batch(rows, mark, len(records), end, open_calls, elsewhere)

    def advance(self, batch: Batch) -> None:
        """Note that a batch is in the store."""
        if self.recent and self.recent[0].start == self.position:
            for _ in range(batch.records):
                self.recent.popleft()
        self.position = batch.end
        self.open_calls = batch.open_calls
