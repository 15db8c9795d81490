"""A worker's journal: the segments it writes, and how far each has been delivered to the store.

A call's BEGIN is written before it is sent and its END before the client's answer ends. The journal
is bounded: a store that is away for long, or a full disk, costs the oldest rows their detail
(`compaction.py`), never a sum.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from modelops.ledger import segment as segments
from modelops.ledger.compaction import Compaction, collapse_oldest, publish_rows
from modelops.ledger.records import BEGIN, MAX_RECORD, Kind, encode
from modelops.ledger.segment import Segment, SegmentName, parse_name
from modelops.ledger.segment_queue import ROWS_MAX, Batch, SegmentQueue
from modelops.metering.attempt import Attempt

SEGMENT_BYTES = 4 << 20
"""A segment this long is followed by a new one; an old one goes when all of it is consumed. It
holds some 5,000 calls, more than a transaction takes; it is made while a request waits."""

MAX_BYTES = 512 << 20
"""All segments of a worker together: about 600,000 calls."""

STORE_SHARE = 4
"""Bytes that a store on the same disk needs for one of the journal. With rollups, and before its
log is brought back, it takes 0.6 KB a row, or 1.6 where every row has a user of its own; here a row
without its BEGIN takes 0.45."""

_NO_ROOM = frozenset({None, errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""What making room helps against; the journal's own bound has no number."""

_LEAST_BYTES = MAX_RECORD
"""A disk that is nearly full may have room for a short segment."""


class Journal:
    """The segments of this worker, the last of which is written to.

    `begun` are calls without an end in it. `superseded` are names of segments that are gone: the
    store need not keep their marks.
    """

    def __init__(
        self, folder: Path, *, segment_bytes: int = SEGMENT_BYTES, max_bytes: int = MAX_BYTES
    ) -> None:
        self._folder = folder
        self._segment_bytes = segment_bytes
        self._max_bytes = max_bytes
        self.worker = f"{os.getpid()}-{secrets.token_hex(8)}"
        self._number = 0
        self._queues: list[SegmentQueue] = []
        self._reserve: Segment | None = None
        self._full = ""
        self._lacks_room = False
        self._ended: set[str] = set()
        self.begun: set[str] = set()
        self.superseded: list[str] = []

    @property
    def size(self) -> int:
        """Bytes that all segments take of the disk."""
        return sum(queue.segment.capacity for queue in self._queues)

    @property
    def crowded(self) -> bool:
        """Whether it is time to make room: rows go on coming while that is done."""
        if self._full:
            return self._lacks_room
        try:
            return self._room() < self.size // 3
        except OSError:
            return True

    @property
    def synced(self) -> bool:
        """Whether everything written so far is safe against a loss of power."""
        return all(queue.segment.synced for queue in self._queues)

    def append(self, kind: Kind, attempt: Attempt) -> None:
        """Write one record; OSError when the disk or the journal is full."""
        record = encode(kind, attempt)
        queues = self._queues
        if self._full or not queues or not queues[-1].append(kind, attempt, record):
            self._rotate(len(record))
            queues[-1].append(kind, attempt, record)
        if kind is BEGIN:
            self.begun.add(attempt.attempt_id)
        else:
            self.begun.discard(attempt.attempt_id)

    def check(self) -> None:
        """See whether a journal that was full has room now; OSError when not."""
        if self._full:
            self._full = ""
            self._rotate(0)

    def next_batch(self) -> Batch | None:
        """Return what to deliver to the store next; None when everything is there."""
        for queue in self._queues:
            if not queue.drained and (batch := queue.next_batch()):
                return batch
        return None

    def consumed(self, batch: Batch) -> bool:
        """Note that a batch is in the store, and delete the segments that are done with.

        Return False when its segment was collapsed meanwhile: its rows are still to be delivered.
        """
        names = [queue.segment.name for queue in self._queues]
        if batch.mark.journal not in names:
            return False
        self._queues[names.index(batch.mark.journal)].advance(batch)
        for attempt_id in batch.ended_elsewhere:
            for queue in self._queues:
                queue.open_calls.pop(attempt_id, None)
        self._remove_done()
        return True

    def ended(self, attempt_ids: Iterable[str]) -> None:
        """Note calls whose rows came to the store from elsewhere, while no collapse is under way.

        One that began here would hold its segment, and what was delivered of it, for ever.
        """
        self._ended |= self.begun.intersection(attempt_ids)
        self.begun -= self._ended
        self._remove_done()

    def sync(self) -> None:
        """Make everything written so far safe against a loss of power."""
        for queue in list(self._queues):
            if not queue.segment.synced:
                queue.segment.sync()

    def keep_reserve(self) -> None:
        """Have room at hand for what a collapse leaves on a full disk, if there is any now."""
        if not self._queues or self._full:
            return
        wanted = self._segment_bytes // 2
        with contextlib.suppress(OSError):  # tried again later
            if self._reserve is None or self._reserve.closed:
                self._reserve = self._as_long_as_fits(wanted, self._set_apart)
            elif self._reserve.capacity < wanted:
                self._leave_room(wanted)
                self._reserve.remove()
                self._reserve = None
                self._reserve = self._set_apart(wanted)

    def collapse(self) -> Compaction | None:
        """Collapse the older half of the journal, in a thread, while no batch begins or ends.

        None where nothing is gained, OSError where the disk does not take what is left.
        """
        oldest: list[SegmentQueue] = []
        for queue in self._queues if self._full else self._queues[:-1]:
            oldest.append(queue)
            length = sum(each.segment.capacity for each in oldest)
            if length >= self._max_bytes // 2 and len(oldest) > 1:
                break
        if not oldest:
            return None
        unused_number = self._number if self._full else None  # no segment is begun while it is full
        return collapse_oldest(oldest, self._folder, self._reserve, unused_number)

    def replace(self, compaction: Compaction) -> None:
        """Take what is left of the oldest segments in their place, and delete them."""
        gone = self._queues[: compaction.segments]
        self._queues[: compaction.segments] = [compaction.queue]
        left = compaction.queue.segment
        name = parse_name(left.name)
        if name is not None and name.last == self._number:
            self._number += 1
        freed = sum(queue.segment.capacity for queue in gone) - left.capacity
        for queue in gone:
            self._remove(queue)
        if self._reserve is left:
            self._reserve = None
            with contextlib.suppress(OSError):  # others may have been faster
                self._reserve = self._set_apart(min(freed, self._segment_bytes) // 2)

    def leave(self, offered: Sequence[Attempt], others: Sequence[Attempt]) -> int:
        """Write rows for which there was no room to the reserve, for the next worker to deliver.

        The store may have those it was offered, so they stay as they are; the others lose as much
        detail as it takes, and how many are fewer for it is returned. OSError when none has room.
        """
        if not offered and not others:
            return 0
        name = SegmentName(self.worker, self._number)
        made, kept = publish_rows(offered, others, name, self._folder, self._reserve)
        if made is self._reserve:
            self._reserve = None
        self._queues.append(SegmentQueue(made))
        return len(others) - kept

    def close(self) -> None:
        """Let go of all segments, and delete those that are done with."""
        for queue in self._queues:
            if queue.done:
                self._remove(queue)
            else:
                queue.segment.close()
        self._queues = []
        if self._reserve is not None:
            self._reserve.remove()

    def _rotate(self, length: int) -> None:
        """Begin a new segment for a record of so many bytes; OSError when there can be none."""
        if length > MAX_RECORD:
            raise OSError(f"a record of {length} bytes is longer than any attempt is")
        if self._full:
            raise OSError(self._full)
        try:
            self._queues.append(SegmentQueue(self._new_segment(length)))
        except OSError as error:
            self._full, self._lacks_room = str(error), error.errno in _NO_ROOM
            raise
        self._number += 1
        if sum(queue.kept for queue in self._queues) > ROWS_MAX:
            for queue in self._queues:
                queue.drop_cache()

    def _new_segment(self, length: int) -> Segment:
        """Return a new segment for a record of so many bytes."""
        capacity = max(self._segment_bytes, length)
        if self.size + capacity > self._max_bytes:
            raise OSError(f"the journal {self._folder} is full: {self.size} bytes wait")
        name = SegmentName(self.worker, self._number)
        return self._as_long_as_fits(
            capacity, lambda capacity: segments.create(self._folder, name, capacity)
        )

    def _as_long_as_fits(self, capacity: int, make: Callable[[int], Segment]) -> Segment:
        """Return a segment of `capacity`, or a shorter one where there is no room for that."""
        while True:
            try:
                self._leave_room(capacity)
                return make(capacity)
            except OSError:
                capacity //= 2
                if capacity < _LEAST_BYTES:
                    raise

    def _set_apart(self, capacity: int) -> Segment:
        return segments.create_unpublished(self._folder, f"{self.worker}.reserve", capacity)

    def _leave_room(self, capacity: int) -> None:
        """Raise OSError unless a store on the same disk keeps room for the rows."""
        if capacity > self._room():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._folder))

    def _room(self) -> int:
        """Return how long a segment could be begun now."""
        free = segments.free_bytes(self._folder) - STORE_SHARE * self.size
        return min(self._max_bytes - self.size, free // (1 + STORE_SHARE))

    def _remove_done(self) -> None:
        """Delete the segments that are done with, but for the last."""
        for queue in self._queues:
            queue.close_calls(self._ended)
        if all(queue.drained for queue in self._queues):  # else a BEGIN may be yet to be read
            self._ended.clear()
        for queue in [each for each in self._queues[:-1] if each.done]:
            self._queues.remove(queue)
            self._remove(queue)

    def _remove(self, queue: SegmentQueue) -> None:
        self.superseded.append(queue.segment.name)
        queue.segment.remove()
