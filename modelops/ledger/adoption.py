"""Journals of workers that are gone: their rows are delivered to the store by whoever finds them.

A worker's segments are taken together, because a call may begin in one and end in the next. A call
whose end is in none of them becomes a row `interrupted`. Rows that the dead worker had delivered to
the store itself are passed over there, so adopting is safe to repeat.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from modelops.ledger import segment as segments
from modelops.ledger.delivery import deliver
from modelops.ledger.records import Kind, Record, Unreadable, scan
from modelops.ledger.segment import Segment, SegmentName, parse_name
from modelops.metering.attempt import Attempt
from modelops.store.books import BooksStore

_READ_BYTES = 256 << 10


class Adopted(msgspec.Struct, frozen=True, kw_only=True):
    """What was found: rows delivered to the store, of them interrupted, and bytes that were torn.

    `lost` counts the rows that no store takes and the calls that this version cannot read, `reason`
    says why the last of them was lost.
    """

    rows: int = 0
    interrupted: int = 0
    torn_bytes: int = 0
    lost: int = 0
    reason: str = ""

    def __add__(self, more: Adopted) -> Adopted:
        return Adopted(
            rows=self.rows + more.rows,
            interrupted=self.interrupted + more.interrupted,
            torn_bytes=self.torn_bytes + more.torn_bytes,
            lost=self.lost + more.lost,
            reason=more.reason or self.reason,
        )


async def adopt_orphans(folder: Path, own_worker: str, store: BooksStore) -> Adopted:
    """Deliver the rows of every dead worker in a folder to the store and remove their journals."""
    found = Adopted()
    segments.sweep(folder)
    for owned in _orphans(folder, own_worker):
        found = found + await _adopt(owned, store)
    return found


def _orphans(folder: Path, own_worker: str) -> Iterator[list[Segment]]:
    """Yield the segments of each worker that is gone, locked, oldest first.

    Once the first lock is taken the owner is dead and makes no more files, so looking again after
    locking finds all of them.
    """
    for worker in sorted({name.worker for name in segments.named(folder)} - {own_worker}):
        owned: list[Segment] = []
        try:
            for name in segments.named(folder, worker):
                adopted = segments.adopt(folder / str(name))
                if adopted is None:
                    break
                owned.append(adopted)
            names = segments.named(folder, worker)
        except OSError:  # a lock that is kept would keep everybody from them
            for each in owned:
                each.close()
            raise
        if owned and [each.name for each in owned] == [str(name) for name in names]:
            yield list(_current(owned, names))
        else:
            for each in owned:
                each.close()


def _current(owned: list[Segment], names: list[SegmentName]) -> Iterator[Segment]:
    """Yield segments whose rows are in no other, and delete what a killed worker had no time to."""
    for segment, name in zip(owned, names, strict=True):
        if any(other.supersedes(name) for other in names):
            segment.remove()
        else:
            yield segment


async def _adopt(owned: list[Segment], store: BooksStore) -> Adopted:
    """Deliver one worker's rows to the store; its files stay if the store does not take them."""
    rows = torn = 0
    reasons: list[str] = []
    begun: dict[str, Attempt] = {}
    unreadable: dict[str, str] = {}
    try:
        marks = await store.journal_marks()
        for segment in owned:
            position = marks.get(segment.name, 0)
            while records := scan(segment.read(position, _READ_BYTES), position):
                ended = _ended(records, begun, unreadable)
                refused = await deliver(ended, store)
                rows += len(ended) - len(refused)
                reasons += refused
                position = records[-1].end
            torn += _written(segment, position)
        refused = await deliver(list(begun.values()), store)
        for segment in owned:
            segment.path.unlink(missing_ok=True)
        await store.forget_journals(_of_worker(owned[0], marks))
    finally:
        for segment in owned:
            segment.close()
    interrupted = len(begun) - len(refused)
    reasons += [*refused, *unreadable.values()]
    return Adopted(
        rows=rows + interrupted,
        interrupted=interrupted,
        torn_bytes=torn,
        lost=len(reasons),
        reason=reasons[-1] if reasons else "",
    )


def _of_worker(segment: Segment, marks: Iterable[str]) -> list[str]:
    """Return the marks of a segment's worker, whose other segments may be gone for long."""
    owner = parse_name(segment.name)
    names = ((mark, parse_name(mark)) for mark in marks)
    return [mark for mark, name in names if name and owner and name.worker == owner.worker]


def _written(segment: Segment, position: int) -> int:
    """Return how many bytes behind the last whole record are not those of an empty file."""
    written = 0
    read = 0
    while data := segment.read(position + read, _READ_BYTES):
        if used := len(data.rstrip(b"\0")):
            written = read + used
        read += len(data)
    return written


def _ended(
    records: list[Record | Unreadable], begun: dict[str, Attempt], unreadable: dict[str, str]
) -> list[Attempt]:
    """Return the rows of calls that have ended, and keep track of those that have not.

    Of a call whose row cannot be read the reason is kept; what began stays, and is a row.
    """
    ended = []
    for record in records:
        if isinstance(record, Unreadable):
            unreadable[record.attempt_id or f"at {record.start}"] = record.reason
        elif record.kind is Kind.BEGIN:
            begun[record.attempt.attempt_id] = record.attempt
        else:
            begun.pop(record.attempt.attempt_id, None)
            unreadable.pop(record.attempt.attempt_id, None)
            ended.append(record.attempt)
    return ended
