"""The oldest segments of a journal become one short one, written beside them and then named.

The file that is left holds the calls that have not ended, then the rows, those that are alike
collapsed into one (`collapse.py`). It is complete and on the disk before it gets its name, which
says which segments it supersedes, and only then are they deleted. Whoever finds both after a kill
reads this one, so no row is lost or counted twice.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from modelops.ledger import segment as segments
from modelops.ledger.collapse import Collapsed, collapse, rows
from modelops.ledger.reading import Reading
from modelops.ledger.records import MAX_RECORD, Kind, Record, encode, iterate, scan
from modelops.ledger.segment import Segment, SegmentName, parse_name
from modelops.metering.attempt import Attempt

ROWS_MAX = 50_000
"""Rows that may be left of one run, about 75 MB of memory: no further segment is taken then."""

GAIN = 0.75
"""What is left must be smaller than this share of what was there, or the run is not worth it."""

_READ_BYTES = 256 << 10
_PAUSE_S = 0.002
"""Between two reads, about as long as each takes: the thread that serves gets half of the time."""


class Left(NamedTuple):
    """What is left of the oldest segments, how many those were, and rows that lost their detail."""

    reading: Reading
    segments: int
    detail_lost: int


class _Gathered(NamedTuple):
    """Calls that have not ended, rows that the store may have already, and the others collapsed."""

    open_calls: dict[str, Attempt]
    offered: list[Attempt]
    collapsed: Collapsed


def collapse_oldest(
    readings: Sequence[Reading], folder: Path, reserve: Segment | None
) -> Left | None:
    """Collapse segments that are not written to any more, and publish what is left of them.

    Runs in a thread of its own, while no batch begins or ends. Returns None where nothing is
    gained. A disk that is full takes what is left only if it fits into `reserve`, a segment that
    was made before and not published; OSError otherwise.
    """
    gathered = _Gathered({}, [], {})
    count = before = 0
    for reading in readings:
        before += _gather(reading, gathered)
        count += 1
        if len(gathered.collapsed) > ROWS_MAX:
            break
    kept = [encode(Kind.END, row) for row in gathered.offered]
    left = list(rows(gathered.collapsed))
    content = [
        *kept,
        *(encode(Kind.BEGIN, row) for row in gathered.open_calls.values()),
        *(encode(Kind.END, row) for row in left),
    ]
    length = sum(map(len, content))
    names = [parse_name(reading.segment.name) for reading in readings[:count]]
    first, last = names[0], names[-1]
    if first is None or last is None or length > GAIN * _length(readings[:count]):
        return None
    name = SegmentName(first.worker, first.number, last.number if last.last is None else last.last)
    if name == first:
        return None  # it was collapsed before, and nothing has come since
    if reserve is None or length > reserve.capacity:
        reserve = segments.create_secretly(folder, str(name), max(length, 1))
    for record in content:
        reserve.append(record)
    reserve.seal()
    reserve.sync()
    reserve.publish(name)
    reading = Reading(reserve)
    reading.offered = sum(map(len, kept))
    return Left(reading, count, before - len(kept) - len(left))


def _length(readings: Sequence[Reading]) -> int:
    return sum(reading.segment.capacity for reading in readings)


def _gather(reading: Reading, into: _Gathered) -> int:
    """Take what is not in the store of one segment; return how many rows that are."""
    found = 0
    for offset in reading.open_calls.values():
        begun = next(iterate(reading.segment.read(offset, MAX_RECORD), offset))
        into.open_calls[begun.attempt.attempt_id] = begun.attempt
    for record in _unread(reading):
        attempt = record.attempt
        if record.kind is Kind.BEGIN:
            into.open_calls[attempt.attempt_id] = attempt
            continue
        found += 1
        into.open_calls.pop(attempt.attempt_id, None)
        if record.start < reading.offered:
            into.offered.append(attempt)
        else:
            collapse(attempt, into.collapsed)
    return found


def _unread(reading: Reading) -> Iterator[Record]:
    position, end = reading.position, reading.segment.size
    while position < end:
        records = scan(reading.segment.read(position, min(_READ_BYTES, end - position)), position)
        yield from records
        position = records[-1].end
        time.sleep(_PAUSE_S)
