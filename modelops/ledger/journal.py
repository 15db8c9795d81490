"""A worker's journal: the segments it writes, and how far each has been brought to the store.

A call's BEGIN is written before it is sent and its END before the client's answer ends. The store
is told, together with the rows, how much of a segment is consumed: everything before the oldest
BEGIN whose END has not been seen. So a worker that is killed loses no row and no call.
"""

from __future__ import annotations

import os
import secrets
from collections import deque
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from modelops.ledger import segment as segments
from modelops.ledger.records import MAX_RECORD, Kind, Record, encode, scan
from modelops.ledger.segment import Segment, SegmentName
from modelops.metering.attempt import Attempt
from modelops.store.books import JournalMark

SEGMENT_BYTES = 16 << 20
"""A segment this long is followed by a new one; an old one goes when all of it is consumed."""

MAX_BYTES = 512 << 20
"""All segments of a worker together: about a million calls."""

_READ_BYTES = 512 << 10
"""Read at once: about 1,000 records, 6 ms of parsing."""

RECENT_MAX = 10_000
"""Records that are also kept in memory until they are in the store, about 10 MB: they need not be
read back. A store that is away for longer finds the rest in the file."""

_BATCH_RECORDS = 1_000


class Batch(NamedTuple):
    """Rows for the store, with the mark to commit with them, and what to note once they are in."""

    rows: list[Attempt]
    mark: JournalMark
    records: list[Record]


class _Reading:
    """How far one segment has been read, and where the calls begin that have not ended.

    `recent` holds the last records that were written, without a gap.
    """

    __slots__ = ("open_calls", "position", "recent", "segment")

    def __init__(self, segment: Segment) -> None:
        self.segment = segment
        self.position = 0
        self.open_calls: dict[str, int] = {}
        self.recent: deque[Record] = deque()

    def append(self, kind: Kind, attempt: Attempt, content: bytes) -> None:
        """Write a record, and keep it at hand."""
        start = self.segment.size
        self.segment.append(content)
        if len(self.recent) >= RECENT_MAX:
            self.recent.clear()
        self.recent.append(Record(kind, attempt, start, self.segment.size))

    def unread(self) -> list[Record]:
        """Return the next records that are not in the store yet, from memory or from the file."""
        if self.recent and self.recent[0].start == self.position:
            return list(islice(self.recent, _BATCH_RECORDS))
        return scan(self.segment.read(self.position, _READ_BYTES), self.position)

    def advance(self, position: int) -> None:
        """Note that everything before `position` has been read."""
        self.position = position
        while self.recent and self.recent[0].start < position:
            self.recent.popleft()


class Journal:
    """The segments of this worker, the last of which is written to."""

    def __init__(
        self, folder: Path, *, segment_bytes: int = SEGMENT_BYTES, max_bytes: int = MAX_BYTES
    ) -> None:
        self._folder = folder
        self._segment_bytes = segment_bytes
        self._max_bytes = max_bytes
        self.worker = f"{os.getpid()}-{secrets.token_hex(8)}"
        self._number = 0
        self._readings: list[_Reading] = []

    @property
    def size(self) -> int:
        """Bytes in all segments."""
        return sum(reading.segment.size for reading in self._readings)

    def append(self, kind: Kind, attempt: Attempt) -> None:
        """Write one record; OSError when the disk or the journal is full."""
        record = encode(kind, attempt)
        if len(record) > MAX_RECORD:
            raise OSError(f"a record of {len(record)} bytes is longer than any attempt is")
        self._make_room()
        self._readings[-1].append(kind, attempt, record)

    def check(self) -> None:
        """See whether a record could be written now; OSError when not."""
        self._make_room()
        self._readings[-1].segment.check()

    def next_batch(self) -> Batch | None:
        """Return what to bring to the store next; None when everything is there."""
        for reading in self._readings:
            if reading.position == reading.segment.size:
                continue
            records = reading.unread()
            if records:
                return self._batch(reading, records)
        return None

    def consumed(self, batch: Batch) -> list[str]:
        """Note that a batch is in the store; return the names of segments that are done with."""
        for reading in self._readings:
            if reading.segment.name == batch.mark.journal:
                self._advance(reading, batch.records)
        done = [
            reading
            for reading in self._readings[:-1]
            if reading.position == reading.segment.size and not reading.open_calls
        ]
        for reading in done:
            self._readings.remove(reading)
            reading.segment.remove()
        return [reading.segment.name for reading in done]

    @property
    def synced(self) -> bool:
        """Whether everything written so far is safe against a loss of power."""
        return all(reading.segment.synced for reading in self._readings)

    def sync(self) -> None:
        """Make everything written so far safe against a loss of power."""
        for reading in self._readings:
            if not reading.segment.synced:
                reading.segment.sync()

    def close(self) -> list[str]:
        """Let go of all segments; those that are consumed are removed and their names returned."""
        done = []
        for reading in self._readings:
            if reading.position == reading.segment.size and not reading.open_calls:
                done.append(reading.segment.name)
                reading.segment.remove()
            else:
                reading.segment.close()
        self._readings = []
        return done

    def _make_room(self) -> None:
        """Begin a new segment when the last one is full; OSError when there may be no more."""
        if not self._readings or self._readings[-1].segment.size >= self._segment_bytes:
            if self.size >= self._max_bytes:
                raise OSError(f"the journal {self._folder} is full: {self.size} bytes wait")
            if self._readings:
                self._readings[-1].recent.clear()  # the bound is one for all segments
            name = SegmentName(self.worker, self._number)
            self._readings.append(_Reading(segments.create(self._folder, name)))
            self._number += 1

    def _batch(self, reading: _Reading, records: list[Record]) -> Batch:
        """Work out the mark: the oldest call that would still be open, else the end."""
        still_open = dict(reading.open_calls)
        for record in records:
            if record.kind is Kind.BEGIN:
                still_open[record.attempt.attempt_id] = record.start
            else:
                still_open.pop(record.attempt.attempt_id, None)
        consumed = min(still_open.values(), default=records[-1].end)
        rows = [record.attempt for record in records if record.kind is Kind.END]
        return Batch(rows, JournalMark(reading.segment.name, consumed), records)

    def _advance(self, reading: _Reading, records: list[Record]) -> None:
        for record in records:
            if record.kind is Kind.BEGIN:
                reading.open_calls[record.attempt.attempt_id] = record.start
            else:
                for each in self._readings:
                    each.open_calls.pop(record.attempt.attempt_id, None)
        reading.advance(records[-1].end)
