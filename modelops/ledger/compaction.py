"""Replaces the oldest segments of a journal by one short segment.

It holds the calls that have not ended, then the rows, collapsed stage by stage (`collapse.py`)
until they are short enough. It is complete and on disk before it gets its name, which says which
segments it supersedes, and only then are those deleted. After a kill, whoever finds both reads
this one, so no row is lost or counted twice.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from modelops.ledger import segment as segments
from modelops.ledger.collapse import STAGES, Collapsed, at_stage, collapse, rows
from modelops.ledger.records import MAX_RECORD, Kind, Record, Unreadable, encode, iterate, scan
from modelops.ledger.segment import Segment, SegmentName, parse_name
from modelops.ledger.segment_queue import SegmentQueue
from modelops.metering.attempt import Attempt

ROWS_MAX = 50_000
"""Rows of one run, about 75 MB of memory: no further segment is taken then. At most half as
many may be left, so that the next run has room for new rows."""

GAIN = 0.75
"""What is left must be smaller than this share of what was there, or the run is not worth it."""

_READ_BYTES = 256 << 10
_ROWS_AT_ONCE = 200
_PAUSE_S = 0.002
"""Between two reads, or so many rows, about as long as they take, so that the serving thread gets
half of the time."""


class Compaction(NamedTuple):
    """What is left of the oldest segments, how many those were, and rows that lost their detail."""

    queue: SegmentQueue
    segments: int
    detail_lost: int


class _Pending(NamedTuple):
    """Calls that have not ended, rows that the store may have already, and the others collapsed.

    Records that cannot be read stay as they are: whoever delivers the others counts them.
    """

    unreadable: list[bytes]
    open_calls: dict[str, Attempt]
    offered: list[Attempt]
    collapsed: Collapsed


def collapse_oldest(
    queues: Sequence[SegmentQueue], folder: Path, reserve: Segment | None, unused_number: int | None
) -> Compaction | None:
    """Collapse segments that are not written to any more, and publish what is left of them.

    Runs in a thread of its own, while no batch begins or ends. Returns None where nothing is
    gained. A disk that is full takes what is left only if it fits into `reserve`, a segment that
    was made before and not published; OSError otherwise. No segment will have `unused_number`: one
    that was collapsed before and is alone needs another name.
    """
    pending = _Pending([], {}, [], {})
    count = before = 0
    for queue in queues:
        before += _gather(queue, pending)
        count += 1
        if len(pending.collapsed) > ROWS_MAX and count > 1:
            break
    name = _name(queues[0], queues[count - 1], unused_number)
    if name is None:
        return None
    refused: OSError | None = None
    for stage in range(len(STAGES)):
        pending = pending._replace(collapsed=_further(pending.collapsed, stage))
        content = list(_records(pending))
        many = len(pending.collapsed) > ROWS_MAX // 2 and stage < len(STAGES) - 1
        if many or sum(map(len, content)) > GAIN * _length(queues[:count]):
            continue
        try:
            left = SegmentQueue(_published(content, name, folder, reserve))
        except OSError as error:
            refused = error
            continue
        left.offered = sum(map(len, content[: len(pending.offered)]))
        return Compaction(left, count, before - len(pending.offered) - len(pending.collapsed))
    if refused is not None:
        raise refused
    return None


def publish_rows(
    offered: Sequence[Attempt],
    others: Sequence[Attempt],
    name: SegmentName,
    folder: Path,
    reserve: Segment | None,
) -> tuple[Segment, int]:
    """Publish a segment of rows, and return it with how many are left of the `others`.

    They are collapsed as far as it takes, and those that were offered not. OSError when there is
    no room even so.
    """
    left, refused = list(others), OSError()
    for stage in range(-1, len(STAGES)):
        if stage >= 0:
            left = at_stage(left, stage)
        content = [encode(Kind.END, row) for row in (*offered, *left)]
        try:
            return _published(content, name, folder, reserve), len(left)
        except OSError as error:
            refused = error
    raise refused


def _published(
    content: Sequence[bytes], name: SegmentName, folder: Path, reserve: Segment | None
) -> Segment:
    """Return the segment that holds some records; OSError where there is no room for them.

    It is gone where it could not be published, the reserve too: nothing more can be written to it.
    """
    length = sum(map(len, content))
    if reserve is not None and not reserve.closed and length <= reserve.capacity:
        made = reserve
    else:
        made = segments.create_unpublished(folder, str(name), max(length, 1))
    for record in content:
        made.append(record)
    try:
        made.seal()
        made.sync()
        made.publish(name)
    except OSError:
        with contextlib.suppress(OSError):  # else it is swept when this process is gone
            made.path.unlink()
        made.close()
        raise
    return made


def _name(first: SegmentQueue, last: SegmentQueue, unused_number: int | None) -> SegmentName | None:
    """Return what to call what is left; None where all of it was left before, alone."""
    begin, end = parse_name(first.segment.name), parse_name(last.segment.name)
    if begin is None or end is None:
        return None
    name = begin._replace(last=end.number if end.last is None else end.last)
    if name != begin:
        return name
    return None if unused_number is None else begin._replace(last=unused_number)


def _records(pending: _Pending) -> Iterator[bytes]:
    """Yield what is left, as it stands in a segment."""
    for row in pending.offered:
        yield encode(Kind.END, row)
    for row in pending.open_calls.values():
        yield encode(Kind.BEGIN, row)
    for row in rows(pending.collapsed):
        yield encode(Kind.END, row)
    yield from pending.unreadable


def _further(collapsed: Collapsed, stage: int) -> Collapsed:
    """Return the same rows, collapsed at a stage: the first is that at which they were gathered."""
    if stage == 0:
        return collapsed
    found: Collapsed = {}
    for number, row in enumerate(rows(collapsed)):
        collapse(row, found, stage)
        if number % _ROWS_AT_ONCE == 0:
            time.sleep(_PAUSE_S)
    return found


def _length(queues: Sequence[SegmentQueue]) -> int:
    return sum(queue.segment.capacity for queue in queues)


def _gather(queue: SegmentQueue, into: _Pending) -> int:
    """Take what is not in the store of one segment; return how many rows that are."""
    found = 0
    for offset in queue.open_calls.values():
        begun = next(iterate(queue.segment.read(offset, MAX_RECORD), offset))
        if isinstance(begun, Unreadable):
            into.unreadable.append(_content(queue, begun))
        else:
            into.open_calls[begun.attempt_id] = begun.attempt
    for record in _unread(queue):
        if isinstance(record, Unreadable):
            into.unreadable.append(_content(queue, record))
            continue
        attempt = record.attempt
        if record.kind is Kind.BEGIN:
            into.open_calls[attempt.attempt_id] = attempt
            continue
        found += 1
        into.open_calls.pop(attempt.attempt_id, None)
        if record.start < queue.offered:
            into.offered.append(attempt)
        else:
            collapse(attempt, into.collapsed)
    return found


def _content(queue: SegmentQueue, record: Unreadable) -> bytes:
    return queue.segment.read(record.start, record.end - record.start)


def _unread(queue: SegmentQueue) -> Iterator[Record | Unreadable]:
    position, end = queue.position, queue.segment.size
    while position < end:
        records = scan(queue.segment.read(position, min(_READ_BYTES, end - position)), position)
        yield from records
        position = records[-1].end
        time.sleep(_PAUSE_S)
