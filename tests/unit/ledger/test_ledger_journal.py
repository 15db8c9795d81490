"""A journal's whole life: kills, lost answers and collapses in any order, and every sum once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ledger_samples import MemoryBooks, added_up, attempt, begun

from modelops.ledger import Ledger
from modelops.ledger.collapse import STAGES
from modelops.ledger.journal import Journal
from modelops.metering.attempt import Attempt, Usage
from modelops.store.books import Block, JournalMark


class Life:
    """One worker after another with the same store, and what clients know of it."""

    def __init__(self, folder: Path, segment_bytes: int, kinds: int) -> None:
        self.folder = folder
        self.segment_bytes = segment_bytes
        self.kinds = kinds
        self.books = MemoryBooks()
        self.ended: list[Attempt] = []
        self.open_calls: dict[str, Attempt] = {}
        self.abandoned: set[str] = set()
        self.collapsed = 0
        self.bear()

    def bear(self) -> None:
        self.journal = Journal(self.folder, segment_bytes=self.segment_bytes)
        self.ledger = Ledger(self.books, self.folder, journal=self.journal)

    async def calls(self) -> None:
        """Begin eight calls, of which two do not end for now."""
        for number in range(8):
            row = attempt(
                usage=Usage(source="reported", input_tokens=number),
                latency_us=10**6 + number,
                position=number % self.kinds,
            )
            self.open_calls[row.attempt_id] = row
            self.ledger.begin(begun(row))
            if number % 4:
                self.finished(row)

    async def end(self) -> None:
        """End the call that began first."""
        if self.open_calls:
            self.finished(next(iter(self.open_calls.values())))

    def finished(self, row: Attempt) -> None:
        del self.open_calls[row.attempt_id]
        self.ended.append(row)
        self.ledger.record(row)

    async def drain(self) -> None:
        await self.ledger.drain()

    async def away(self) -> None:
        self.books.away, self.books.deaf = True, False

    async def deaf(self) -> None:
        self.books.away, self.books.deaf = False, True

    async def back(self) -> None:
        self.books.away = self.books.deaf = False

    async def collapse(self) -> None:
        await self.ledger.collapse()
        self.collapsed += self.ledger.collapsed

    async def die(self) -> None:
        """Be killed: locks are gone, nothing is said."""
        for queue in self.journal._queues:
            queue.segment.close()
        if self.journal._reserve is not None:
            self.journal._reserve.close()
        self.abandoned |= set(self.open_calls)
        self.open_calls.clear()
        self.bear()
        await self.ledger.adopt()

    async def die_collapsing(self) -> None:
        """Be killed when what is left has its name, and what it supersedes is still there."""
        left = self.journal.collapse()
        if left is not None and left.queue.segment is not self.journal._reserve:
            left.queue.segment.close()
        await self.die()

    async def finish(self) -> None:
        while self.open_calls:
            await self.end()
        await self.back()
        await self.ledger.adopt()
        await self.ledger.close()


_ACTIONS = ["calls", "end", "drain", "away", "deaf", "back", "collapse", "die", "die_collapsing"]


@settings(max_examples=100)
@given(
    st.lists(st.sampled_from(_ACTIONS), max_size=40),
    st.integers(300, 3_000),
    st.integers(1, 3),
    st.sampled_from([1, 4, 5_000]),
    st.sampled_from([1, 3, 144]),
)
def test_every_call_is_in_the_books_once_whatever_happens(
    tmp_path_factory: pytest.TempPathFactory,
    actions: list[str],
    segment_bytes: int,
    kinds: int,
    at_hand: int,
    block: int,
) -> None:
    life = Life(tmp_path_factory.mktemp("ledger") / "journals", segment_bytes, kinds)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("modelops.ledger.segment_queue.ROWS_MAX", at_hand)
        patch.setattr("modelops.ledger.segment_queue.BLOCK", block)
        asyncio.run(_live(life, actions))
    found = [row for row in life.books.rows.values() if row.outcome == "success"]
    assert added_up(found) == added_up(life.ended)
    assert {row.attempt_id for row in found} <= {row.attempt_id for row in life.ended}
    others = {key for key, row in life.books.rows.items() if row.outcome != "success"}
    assert others == life.abandoned
    assert not life.folder.exists() or list(life.folder.iterdir()) == []


async def _live(life: Life, actions: list[str]) -> None:
    for action in actions:
        await getattr(life, action)()
    await life.finish()


@pytest.mark.parametrize("death", ["die", "die_collapsing", "collapse"])
async def test_rows_of_long_collapse_and_open_calls_do_not(tmp_path: Path, death: str) -> None:
    life = Life(tmp_path / "journals", 3_000, 1)
    await life.calls()
    await life.drain()
    await life.calls()
    await life.deaf()
    await life.drain()
    await life.away()
    for _ in range(40):
        await life.calls()
    waiting = life.ledger.waiting
    await life.collapse()
    assert life.collapsed > 100
    assert life.ledger.waiting == waiting - life.collapsed
    for _ in range(40):
        await life.calls()
    await getattr(life, death)()
    await life.finish()
    found = [row for row in life.books.rows.values() if row.outcome == "success"]
    assert added_up(found) == added_up(life.ended)
    assert len(found) < 0.6 * len(life.ended)
    assert len(life.books.rows) - len(found) == len(life.abandoned)


class SlowBooks(MemoryBooks):
    """Waits to be told before it takes rows."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.go_on = asyncio.Event(), asyncio.Event()

    async def add_journalled(self, blocks: Sequence[Block], mark: JournalMark) -> None:
        self.asked.set()
        await self.go_on.wait()
        await super().add_journalled(blocks, mark)


async def test_a_journal_is_collapsed_while_the_store_is_waited_for(tmp_path: Path) -> None:
    books = SlowBooks()
    journal = Journal(tmp_path / "journals", segment_bytes=3_000)
    ledger = Ledger(books, tmp_path / "journals", journal=journal)
    rows = [attempt(latency_us=10**6) for _ in range(200)]
    for row in rows[:100]:
        ledger.record(row)
    draining = asyncio.create_task(ledger.drain())
    await books.asked.wait()
    under_way = journal._queues[0].offered
    assert under_way > 0
    for row in rows[100:]:
        ledger.record(row)
    assert await ledger.collapse()
    assert 0 < ledger.waiting < 200
    books.go_on.set()
    await draining
    assert added_up(list(books.rows.values())) == added_up(rows)
    assert (ledger.waiting, ledger.error, ledger.lost) == (0, "", 0)
    assert len(books.rows) == 200 - ledger.collapsed
    await ledger.close()
    assert books.marks == {}


async def test_rows_that_waited_in_memory_are_not_put_together_once_they_were_offered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    books = MemoryBooks()
    (tmp_path / "journals").write_text("a file where a folder should be")
    ledger = Ledger(books, tmp_path / "journals", journal=Journal(tmp_path / "journals"))
    rows = [attempt() for _ in range(4)]
    for row in rows:
        ledger.record(row)
    books.deaf = True
    await ledger.drain()
    monkeypatch.setattr("modelops.ledger.memory.CAPACITY", 8)
    assert ledger.full, "those the store was asked to take count"
    (tmp_path / "journals").unlink()
    ledger._check_journal()
    await ledger.collapse()
    books.deaf = False
    await ledger.drain()
    assert added_up(list(books.rows.values())) == added_up(rows)
    assert ledger.waiting == 0
    await ledger.close()


async def test_what_was_collapsed_is_not_collapsed_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    books = MemoryBooks()
    journal = Journal(tmp_path / "journals", segment_bytes=3_000)
    ledger = Ledger(books, tmp_path / "journals", journal=journal)
    rows = [attempt(agent=f"agent-{number % 20}") for number in range(100)]
    for row in rows:
        ledger.record(row)
    assert await ledger.collapse()
    monkeypatch.setattr("modelops.ledger.segment_queue._READ_BYTES", 3_000)
    batch = journal.next_batch()
    assert batch is not None
    await books.add_journalled(batch.blocks, batch.mark)
    assert journal.consumed(batch)
    ledger.waiting -= batch.rows
    assert not await ledger.collapse()
    assert all(queue.segment.path.exists() for queue in journal._queues)
    await ledger.drain()
    assert added_up(list(books.rows.values())) == added_up(rows)
    await ledger.close()


@pytest.mark.parametrize("rows_max", [50_000, 10])
async def test_a_journal_stays_bounded_though_no_two_rows_are_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows_max: int
) -> None:
    monkeypatch.setattr("modelops.ledger.compaction.ROWS_MAX", rows_max)
    monkeypatch.setattr("modelops.ledger.compaction._PAUSE_S", 0)
    books = MemoryBooks()
    folder = tmp_path / "journals"
    journal = Journal(folder, segment_bytes=3_000, max_bytes=20_000)
    ledger = Ledger(books, folder, journal=journal)
    rows = [
        attempt(
            user=f"user-{number}",
            latency_us=number * 1_000,
            started_at_us=number * 20_000_000,
            message="it broke",
            usage=Usage(source="reported", input_tokens=number),
        )
        for number in range(1_000)
    ]
    books.away = True
    for row in rows:
        ledger.record(row)
        while journal.crowded and await ledger.collapse():
            pass
        assert len(ledger._memory) == 0
        assert sum(path.stat().st_size for path in folder.iterdir()) <= 25_000
    books.away = False
    await ledger.close()
    assert (ledger.lost, len(books.rows) + ledger.collapsed) == (0, len(rows))
    found = list(books.rows.values())
    assert sum(row.usage.input_tokens or 0 for row in found) == sum(range(1_000))
    assert sum(row.weight for row in found) == len(rows)
    assert {row.message for row in found} <= {"it broke", *(stage.message for stage in STAGES)}
