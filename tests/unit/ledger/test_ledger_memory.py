"""Rows that no journal takes wait in memory: what they give up there, and where they are left."""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path

import pytest
from ledger_samples import MemoryBooks, attempt, begun

from modelops.ledger import Ledger, segment
from modelops.ledger.journal import Journal
from modelops.ledger.memory import Memory
from modelops.ledger.records import Kind
from modelops.metering.attempt import Cost
from modelops.store.protocol import StoreLockedError


async def test_rows_in_memory_give_up_their_detail_before_any_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("modelops.ledger.memory.CAPACITY", 20)
    books = MemoryBooks()
    (tmp_path / "journals").write_text("a file where a folder should be")
    ledger = Ledger(books, tmp_path / "journals")
    rows = [attempt(user=f"user-{number}", cost=Cost(total_pico=number)) for number in range(99)]
    for row in rows:
        ledger.record(row)
    assert ledger.lost == 0
    assert ledger.waiting + ledger.collapsed == 99
    await ledger.drain()
    assert ledger.waiting == 0
    assert len(books.rows) <= 20
    assert sum(row.weight for row in books.rows.values()) == 99
    assert sum(row.cost.total_pico or 0 for row in books.rows.values()) == sum(range(99))
    assert "collapsed: users not kept" in {row.message for row in books.rows.values()}


def test_rows_are_put_together_though_most_are_of_calls_that_began_in_the_journal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("modelops.ledger.memory.CAPACITY", 20)
    memory = Memory()
    for number in range(41):
        _, lost = memory.append(attempt(), begun=number < 11)
        assert lost == 0
    apart, others = memory.content()
    assert (len(apart), memory.weight) == (11, 41)
    assert len(others) <= 9


async def test_a_journal_that_cannot_be_made_leaves_rows_to_memory_and_then_counts_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("modelops.ledger.memory.CAPACITY", 2)
    books = MemoryBooks()
    (tmp_path / "journals").write_text("a file where a folder should be")
    ledger = Ledger(books, tmp_path / "journals")
    rows = [attempt(agent=f"agent-{number}") for number in range(3)]
    for number, row in enumerate(rows):
        assert ledger.full is (number > 0)
        ledger.begin(begun(row))
        ledger.record(row)
    assert (ledger.waiting, ledger.lost) == (2, 1)
    assert "exists" in ledger.error
    (tmp_path / "journals").unlink()
    ledger._check_journal()
    assert (ledger.waiting, ledger.full, ledger.error) == (2, False, "")
    await ledger.drain()
    assert (set(books.rows), ledger.waiting) == ({row.attempt_id for row in rows[:2]}, 0)
    await ledger.close()


@pytest.mark.parametrize("offered", [False, True])
async def test_what_waits_in_memory_at_the_end_is_left_in_the_reserve(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, offered: bool
) -> None:
    books = MemoryBooks()
    books.away = True
    folder = tmp_path / "journals"
    ledger = Ledger(books, folder, journal=Journal(folder, segment_bytes=8_000))
    rows = [attempt(cost=Cost(total_pico=number)) for number in range(200)]
    ledger.record(rows[0])
    await ledger._make_room()
    monkeypatch.setattr(segment, "free_bytes", lambda _folder: 0)
    monkeypatch.setattr(segment, "_allocate", _nothing_left)
    for row in rows[1:]:
        ledger.record(row)
    assert len(ledger._memory) > 100
    if offered:
        books.away, books.deaf = False, True
        monkeypatch.setattr("modelops.ledger.memory._BATCH", 3)
        with pytest.raises(StoreLockedError):
            await ledger._drain_memory()
        books.away, books.deaf = True, False
    await ledger.close()
    assert (ledger.lost, ledger.waiting + ledger.collapsed) == (0, 200)
    books.away = False
    successor = Ledger(books, folder)
    await successor.adopt()
    assert sum(row.weight for row in books.rows.values()) == 200
    assert sum(row.cost.total_pico or 0 for row in books.rows.values()) == sum(range(200))
    assert list(folder.iterdir()) == []
    await successor.close()


async def test_what_nothing_has_room_for_at_the_end_is_said_to_be_lost(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    books = MemoryBooks()
    books.away = True
    (tmp_path / "journals").write_text("a file where a folder should be")
    ledger = Ledger(books, tmp_path / "journals")
    for _ in range(7):
        ledger.record(attempt())
    await ledger.close()
    assert (ledger.lost, ledger.waiting) == (7, 0)
    assert [
        (line.levelname, "7 rows that waited in memory are lost: " in line.message)
        for line in caplog.records
    ] == [("ERROR", True)]


def _nothing_left(_descriptor: int, _capacity: int) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("step", ["seal", "sync", "publish"])
@pytest.mark.parametrize("full", [False, True])
async def test_a_reserve_that_cannot_be_published_takes_no_rows_with_it(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    step: str,
    full: bool,
) -> None:
    books = MemoryBooks()
    books.away = True
    journal = Journal(tmp_path, segment_bytes=8_000)
    ledger = Ledger(books, tmp_path, journal=journal)
    ledger.record(attempt())
    await ledger._make_room()
    monkeypatch.setattr(segment, "free_bytes", lambda _folder: 0)
    while len(ledger._memory) < 5:
        ledger.record(attempt())
    failing(monkeypatch, step, journal._reserve)
    if full:
        monkeypatch.setattr(segment, "_allocate", _nothing_left)
    await ledger.close()
    lost = 5 if full else 0
    assert ledger.lost == lost
    assert [f"{lost} rows" in line.message for line in caplog.records] == [True] * full
    assert list(tmp_path.glob(".*")) == []
    books.away = False
    successor = Ledger(books, tmp_path)
    await successor.adopt()
    assert sum(row.weight for row in books.rows.values()) == ledger.waiting + ledger.collapsed
    await successor.close()


@pytest.mark.parametrize("step", ["seal", "sync", "publish"])
async def test_a_collapse_whose_reserve_cannot_be_published_is_tried_again_with_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    journal = Journal(tmp_path, segment_bytes=8_000)
    ledger = Ledger(MemoryBooks(), tmp_path, journal=journal)
    ledger.record(attempt())
    journal.keep_reserve()
    allocate = segment._allocate
    monkeypatch.setattr(segment, "_allocate", _nothing_left)
    while not ledger.error:
        ledger.record(attempt())
    failing(monkeypatch, step, journal._reserve)
    assert not await ledger.collapse()
    assert "No space left" in ledger.error
    with monkeypatch.context() as patch:
        patch.setattr(segment, "_allocate", allocate)
        patch.setattr(journal, "_full", "")
        journal.keep_reserve()
    assert await ledger.collapse()
    await ledger.close()
    assert ledger.lost == 0
    assert list(tmp_path.iterdir()) == []


def failing(monkeypatch: pytest.MonkeyPatch, step: str, victim: segment.Segment | None) -> None:
    """Let a step of publishing fail for one segment, after what it does first."""
    real = getattr(segment.Segment, step)

    def fail(self: segment.Segment, *given: object) -> None:
        if self is not victim:
            real(self, *given)
        else:
            self._unmap()
            raise OSError(errno.ENOSPC, "No space left on device")

    assert victim is not None
    monkeypatch.setattr(segment.Segment, step, fail)


@pytest.mark.parametrize(("number", "crowded"), [(errno.ENOSPC, True), (errno.EMFILE, False)])
def test_rows_are_put_together_for_want_of_room_and_not_of_descriptors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, crowded: bool
) -> None:
    journal = Journal(tmp_path, segment_bytes=8_000)

    def refuse(_descriptor: int, _capacity: int) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patched:
        patched.setattr(segment, "_allocate", refuse)
        with pytest.raises(OSError, match=os.strerror(number)):
            journal.append(Kind.END, attempt())
        assert journal.crowded == crowded
    journal.check()
    journal.append(Kind.END, attempt())
    assert not journal.crowded
    journal.close()


def test_a_reserve_is_made_from_what_a_collapse_gives_back_and_grows_once_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = {"bytes": 10**6}
    monkeypatch.setattr(segment, "free_bytes", lambda _folder: free["bytes"])
    journal = Journal(tmp_path / "journals", segment_bytes=8_000)
    for _ in range(12):
        journal.append(Kind.END, attempt())
    journal.keep_reserve()
    free["bytes"] = 0
    with contextlib.suppress(OSError):
        while True:
            journal.append(Kind.END, attempt())
    assert journal.crowded
    left = journal.collapse()
    assert left is not None
    journal.replace(left)
    reserve = journal._reserve
    assert reserve is not None
    assert 1_000 < reserve.capacity < 4_000
    free["bytes"] = 10**6
    journal.check()
    journal.keep_reserve()
    grown = journal._reserve
    assert grown is not None
    assert grown.capacity == 4_000
    journal.close()


async def test_a_call_that_began_before_the_disk_was_full_is_not_interrupted_as_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    books = MemoryBooks()
    books.away = True
    folder = tmp_path / "journals"
    ledger = Ledger(books, folder, journal=Journal(folder, segment_bytes=8_000))
    rows = [attempt(cost=Cost(total_pico=1)) for _ in range(100)]
    for row in rows[:3]:
        ledger.begin(begun(row))
    await ledger._make_room()
    monkeypatch.setattr(segment, "free_bytes", lambda _folder: 0)
    monkeypatch.setattr(segment, "_allocate", _nothing_left)
    for row in (*rows[3:], *rows[:3]):
        ledger.record(row)
    await ledger.close()
    books.away = False
    successor = Ledger(books, folder)
    await successor.adopt()
    found = list(books.rows.values())
    assert {row.outcome for row in found} == {"success"}
    assert (sum(row.weight for row in found), ledger.lost) == (100, 0)
    assert max(row.weight for row in found) > 1
    await successor.close()


@pytest.mark.parametrize("read_back", [False, True])
@pytest.mark.parametrize("drained", [False, True])
async def test_a_call_that_ended_in_memory_holds_no_segment_once_it_is_in_the_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read_back: bool, drained: bool
) -> None:
    if read_back:
        monkeypatch.setattr("modelops.ledger.segment_queue.ROWS_MAX", 0)
    books = MemoryBooks()
    journal = Journal(tmp_path, segment_bytes=8_000, max_bytes=24_000)
    ledger = Ledger(books, tmp_path, journal=journal)
    row = attempt()
    ledger.begin(begun(row))
    while not ledger.error:
        ledger.record(attempt())
    if drained:
        await ledger.drain()
    ledger.record(row)
    if not drained:  # more has come meanwhile than was waiting: the journal is not read to its end
        await ledger._drain_memory()
    await ledger.drain()
    assert books.rows[row.attempt_id] == row
    assert len(list(tmp_path.iterdir())) == 1
    assert not journal.begun
    await ledger.close()
    assert list(tmp_path.iterdir()) == []
    successor = Ledger(books, tmp_path)
    await successor.adopt()
    assert successor.adopted.interrupted == 0
    await successor.close()
