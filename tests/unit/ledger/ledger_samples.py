"""Rows, and a store in memory that can be taken away."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import row_samples

from modelops.ledger import segment
from modelops.ledger.records import Kind
from modelops.ledger.segment import SegmentName
from modelops.metering.attempt import Attempt
from modelops.store.blocks import attempts_of
from modelops.store.books import Block, JournalMark
from modelops.store.columns import columns_of
from modelops.store.protocol import StoreLockedError
from modelops.store.sums import CellKey, Sums, Tallies
from modelops.store.tally import tally


def attempt(**fields: Any) -> Attempt:
    """Return a row that reached no provider, another one each time."""
    return row_samples.attempt(**({"provider": "", "model": ""} | fields))


def begun(row: Attempt) -> Attempt:
    """Return what the gateway writes before the call whose row this becomes."""
    return attempt(attempt_id=row.attempt_id, outcome="interrupted")


def of_a_later_version(row: Attempt, kind: int = Kind.END) -> bytes:
    """Return a record, whole, with an outcome that this version does not know."""
    fields = msgspec.to_builtins(row) | {"outcome": "settled"}
    payload = bytes((kind,)) + msgspec.msgpack.encode(fields)
    return struct.pack("<II", len(payload), zlib.crc32(payload)) + payload


def added_up(rows: Iterable[Attempt]) -> dict[CellKey, Sums]:
    """Return everything that rows come to, group by group."""
    found: Tallies = {}
    if attempts := list(rows):
        tally(columns_of(attempts), found)
    return {place: group.unpack() for place, group in found.items()}


def left_behind(folder: Path, number: int, *records: bytes) -> None:
    """Write the segment of a worker that is gone."""
    dead = segment.create(folder, SegmentName("1-dead", number), 4096)
    for record in records:
        dead.append(record)
    dead.close()


class MemoryBooks:
    """Keeps rows by id, the first of each, as the store does.

    Fails while `away`; while `deaf` it keeps them, and its answer is lost.
    """

    def __init__(self) -> None:
        self.away = False
        self.deaf = False
        self.rows: dict[str, Attempt] = {}
        self.marks: dict[str, int] = {}
        self.batches: list[int] = []

    async def add_attempts(self, attempts: Sequence[Attempt]) -> None:
        self._check()
        self.batches.append(len(attempts))
        for row in attempts:
            self.rows.setdefault(row.attempt_id, row)
        if self.deaf:
            raise StoreLockedError("the answer of the store is lost", "wait")

    async def add_journalled(self, blocks: Sequence[Block], mark: JournalMark) -> None:
        await self.add_attempts([row for block in blocks for row in attempts_of(block)])
        self.marks[mark.journal] = mark.consumed

    async def journal_marks(self) -> Mapping[str, int]:
        self._check()
        return self.marks

    async def forget_journals(self, names: Sequence[str]) -> None:
        self._check()
        for name in names:
            self.marks.pop(name, None)

    def _check(self) -> None:
        if self.away:
            raise StoreLockedError("the store is away", "wait")
