"""When rows that wait are brought to the store, and how many of them together."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
from ledger_samples import MemoryBooks, attempt

from modelops.ledger import Ledger
from modelops.ledger import ledger as ledger_module
from modelops.store.books import Block, JournalMark


async def test_many_rows_do_not_wait_for_their_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger_module, "DRAIN_S", 3_600)
    monkeypatch.setattr(ledger_module, "DRAIN_AT", 3)
    books = MemoryBooks()
    ledger = Ledger(books, tmp_path / "journals")
    ledger.start()
    async with asyncio.timeout(10):
        for total in (3, 6):
            for _ in range(3):
                ledger.record(attempt())
            while len(books.rows) < total or ledger.waiting:
                await asyncio.sleep(0)
    await ledger.close()


async def test_memory_for_large_batches_is_taken_with_the_first_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = Ledger(MemoryBooks(), tmp_path / "journals")
    warmed_up: list[int] = []
    monkeypatch.setattr(ledger_module, "DRAIN_AT", 3)
    monkeypatch.setattr(ledger_module, "warm_up", lambda: warmed_up.append(ledger.waiting))
    for count in (2, 4, 5):
        for _ in range(count):
            ledger.record(attempt())
        await ledger.drain()
    assert warmed_up == [4]
    await ledger.close()


async def test_rows_that_come_during_a_delivery_wait_until_they_are_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger_module, "DRAIN_S", 3_600)
    monkeypatch.setattr(ledger_module, "DRAIN_AT", 3)
    books = MemoryBooks()
    ledger = Ledger(books, tmp_path / "journals")
    add = books.add_journalled

    async def busy(blocks: Sequence[Block], mark: JournalMark) -> None:
        if not books.batches:
            ledger.record(attempt())
        await add(blocks, mark)

    monkeypatch.setattr(books, "add_journalled", busy)
    ledger.start()
    for new in (0, 3, 2):
        for _ in range(new):
            ledger.record(attempt())
        for _ in range(100):
            await asyncio.sleep(0)
    assert books.batches == [3, 3]
    await ledger.close()


async def test_rows_that_come_while_others_are_brought_wait_for_the_next_time(
    tmp_path: Path,
) -> None:
    batches: list[int] = []

    class Busy(MemoryBooks):
        async def add_journalled(self, blocks: Sequence[Block], mark: JournalMark) -> None:
            batches.append(sum(block.rows for block in blocks))
            ledger.record(attempt())
            await super().add_journalled(blocks, mark)

    ledger = Ledger(Busy(), tmp_path / "journals")
    for _ in range(20):
        ledger.record(attempt())
    await ledger.drain()
    assert batches == [20]
    assert ledger.waiting == 1
    await ledger.drain()
    assert batches == [20, 1]
    await ledger.close()
