"""From `begin` and `record` to the store: every row once, whatever is away or full."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ledger_samples import MemoryBooks, attempt

from modelops.ledger import Ledger, journal_folder, segment
from modelops.ledger.journal import Journal
from modelops.ledger.records import Kind, encode
from modelops.ledger.segment import SegmentName
from modelops.metering.attempt import Attempt


def begun(row: Attempt) -> Attempt:
    """Return what the gateway writes before the call whose row this becomes."""
    return attempt(attempt_id=row.attempt_id, outcome="interrupted")


async def test_rows_reach_the_store_with_a_mark_and_the_file_goes_at_the_end(
    tmp_path: Path,
) -> None:
    books = MemoryBooks()
    ledger = Ledger(books, tmp_path / "journals")
    rows = [attempt() for _ in range(3)]
    for row in rows:
        ledger.begin(begun(row))
        ledger.record(row)
    assert ledger.waiting == 3
    await ledger.drain()
    assert list(books.rows.values()) == rows
    assert (ledger.waiting, ledger.lost, ledger.error) == (0, 0, "")
    (file,) = (tmp_path / "journals").iterdir()
    assert books.marks == {file.name: file.stat().st_size}
    await ledger.close()
    assert list((tmp_path / "journals").iterdir()) == []
    assert books.marks == {}


async def test_the_mark_stays_before_a_call_that_has_not_ended(tmp_path: Path) -> None:
    books = MemoryBooks()
    ledger = Ledger(books, tmp_path / "journals")
    stream, short = attempt(), attempt()
    ledger.begin(begun(stream))
    ledger.begin(begun(short))
    ledger.record(short)
    await ledger.drain()
    assert set(books.marks.values()) == {0}
    ledger.record(stream)
    await ledger.drain()
    (file,) = (tmp_path / "journals").iterdir()
    assert books.marks == {file.name: file.stat().st_size}
    await ledger.close()


async def test_rows_wait_while_the_store_is_away_and_arrive_once_it_is_back(
    tmp_path: Path,
) -> None:
    books = MemoryBooks()
    ledger = Ledger(books, tmp_path / "journals")
    books.away = True
    rows = [attempt() for _ in range(1_500)]
    for row in rows:
        ledger.record(row)
    await ledger.drain()
    assert (ledger.waiting, ledger.error) == (1_500, "the store is away")
    books.away = False
    await ledger.drain()
    assert list(books.rows.values()) == rows
    assert (ledger.waiting, ledger.error) == (0, "")
    await ledger.close()


async def test_what_a_closing_worker_cannot_bring_is_brought_by_the_next(tmp_path: Path) -> None:
    books = MemoryBooks()
    ledger = Ledger(books, tmp_path / "journals")
    row = attempt()
    ledger.record(row)
    books.away = True
    await ledger.close()
    assert ledger.lost == 0
    books.away = False
    successor = Ledger(books, tmp_path / "journals")
    await successor.adopt()
    assert list(books.rows.values()) == [row]
    assert (successor.adopted.rows, successor.adopted.interrupted) == (1, 0)
    assert list((tmp_path / "journals").iterdir()) == []
    await successor.close()


async def test_segments_are_followed_and_removed(tmp_path: Path) -> None:
    books = MemoryBooks()
    journal = Journal(tmp_path / "journals", segment_bytes=2_000)
    ledger = Ledger(books, tmp_path / "journals", journal=journal)
    stream = attempt()
    ledger.begin(begun(stream))
    for _ in range(30):
        ledger.record(attempt())
    await ledger.drain()
    held = sorted(file.name for file in (tmp_path / "journals").iterdir())
    assert len(held) == 2
    assert segment.parse_name(held[0]) == SegmentName(journal.worker, 0)
    ledger.record(stream)
    await ledger.drain()
    assert len(list((tmp_path / "journals").iterdir())) == 1
    assert len(books.rows) == 31
    await ledger.close()


async def test_rows_of_full_segments_wait_in_their_files_alone(tmp_path: Path) -> None:
    books = MemoryBooks()
    books.away = True
    journal = Journal(tmp_path / "journals", segment_bytes=2_000)
    ledger = Ledger(books, tmp_path / "journals", journal=journal)
    rows = [attempt() for _ in range(50)]
    for row in rows:
        ledger.record(row)
    await ledger.drain()
    ours = sys.getrefcount(object()) + 2  # the list's and the loop's
    held = sum(sys.getrefcount(row) > ours for row in rows)
    assert 0 < held < 10, "those of the segment that is written to"
    books.away = False
    await ledger.drain()
    assert list(books.rows.values()) == rows
    await ledger.close()


async def test_a_full_journal_leaves_rows_to_memory_and_then_counts_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("modelops.ledger.ledger.CAPACITY", 2)
    books = MemoryBooks()
    books.away = True
    journal = Journal(tmp_path / "journals", segment_bytes=500, max_bytes=1_000)
    ledger = Ledger(books, tmp_path / "journals", journal=journal)
    rows = [attempt() for _ in range(10)]
    for row in rows:
        ledger.record(row)
    assert "is full" in ledger.error
    assert (ledger.waiting, ledger.lost) == (10 - ledger.lost, ledger.lost)
    assert ledger.lost > 0
    books.away = False
    await ledger.drain()
    assert len(books.rows) == 10 - ledger.lost
    assert ledger.waiting == 0
    await ledger.close()


async def test_a_disk_that_takes_half_a_record_spoils_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    books = MemoryBooks()
    ledger = Ledger(books, tmp_path / "journals")
    rows = [attempt() for _ in range(3)]
    ledger.record(rows[0])
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:7]))
    ledger.record(rows[1])
    assert "only 7 of" in ledger.error
    monkeypatch.undo()
    ledger.record(rows[2])
    await ledger.drain()
    assert set(books.rows) == {row.attempt_id for row in rows}
    await ledger.close()


async def test_a_row_no_file_can_hold_is_not_an_exception(tmp_path: Path) -> None:
    books = MemoryBooks()
    ledger = Ledger(books, tmp_path / "journals")
    ledger.record(attempt(user="\ud800"))
    ledger.record(attempt(user="x" * 100_000))
    assert "longer than any attempt" in ledger.error
    await ledger.drain()
    assert (len(books.rows), ledger.lost, ledger.waiting) == (1, 1, 0)
    await ledger.close()


async def test_a_living_workers_journal_is_not_adopted(tmp_path: Path) -> None:
    books = MemoryBooks()
    one, other = (Ledger(books, tmp_path / "journals") for _ in range(2))
    one.record(attempt())
    await other.adopt()
    assert books.rows == {}
    await one.close()
    await other.close()
    assert len(books.rows) == 1


async def test_what_a_killed_worker_began_is_interrupted_and_its_torn_tail_is_passed_over(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "journals"
    done, open_call, torn = attempt(), attempt(), attempt()
    for number, data in enumerate(
        (
            encode(Kind.BEGIN, begun(done)) + encode(Kind.BEGIN, begun(open_call)),
            encode(Kind.END, done) + encode(Kind.END, torn)[:-1],
        )
    ):
        dead = segment.create(folder, SegmentName("1-dead", number))
        dead.append(data)
        dead.close()
    (folder / "README").write_text("not a journal")
    books = MemoryBooks()
    ledger = Ledger(books, folder)
    await ledger.adopt()
    assert {row.attempt_id: row.outcome for row in books.rows.values()} == {
        done.attempt_id: "success",
        open_call.attempt_id: "interrupted",
    }
    assert (ledger.adopted.rows, ledger.adopted.interrupted) == (2, 1)
    assert ledger.adopted.torn_bytes == len(encode(Kind.END, torn)) - 1
    assert [file.name for file in folder.iterdir()] == ["README"]
    await ledger.close()


async def test_an_orphan_stays_until_the_store_takes_it(tmp_path: Path) -> None:
    folder = tmp_path / "journals"
    dead = segment.create(folder, SegmentName("1-dead", 0))
    dead.append(encode(Kind.END, attempt()))
    dead.close()
    books = MemoryBooks()
    books.away = True
    ledger = Ledger(books, folder)
    await ledger.adopt()
    assert ledger.error == "the store is away"
    books.away = False
    await ledger.adopt()
    assert len(books.rows) == 1
    await ledger.close()


async def test_the_task_drains_and_adopts_until_it_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("modelops.ledger.ledger.INTERVAL_S", 0)
    folder = tmp_path / "journals"
    dead = segment.create(folder, SegmentName("1-dead", 0))
    dead.append(encode(Kind.END, attempt()))
    dead.close()
    books = MemoryBooks()
    ledger = Ledger(books, folder)
    ledger.start()
    ledger.record(attempt())
    while len(books.rows) < 2:
        await asyncio.sleep(0)
    ledger.record(attempt())
    await ledger.close()
    assert len(books.rows) == 3


_ACTIONS = st.lists(
    st.sampled_from(["begin", "end", "end", "drain", "away", "back", "die"]), max_size=40
)


@settings(max_examples=60, deadline=None)
@given(_ACTIONS, st.integers(300, 3_000))
def test_every_call_is_in_the_books_once_whatever_happens(
    tmp_path_factory: pytest.TempPathFactory, actions: list[str], segment_bytes: int
) -> None:
    folder = tmp_path_factory.mktemp("ledger") / "journals"
    asyncio.run(_live(folder, actions, segment_bytes))


async def _live(folder: Path, actions: list[str], segment_bytes: int) -> None:
    """Go through actions, `die` being a kill: locks are gone, nothing is said."""
    books = MemoryBooks()
    ended: dict[str, Attempt] = {}
    open_calls: dict[str, Attempt] = {}
    abandoned: set[str] = set()

    def born() -> tuple[Ledger, Journal]:
        journal = Journal(folder, segment_bytes=segment_bytes)
        return Ledger(books, folder, journal=journal), journal

    ledger, journal = born()
    for action in actions:
        if action == "begin":
            row = attempt()
            open_calls[row.attempt_id] = row
            ledger.begin(begun(row))
        elif action == "end" and open_calls:
            row = open_calls.pop(next(iter(open_calls)))
            ended[row.attempt_id] = row
            ledger.record(row)
        elif action == "drain":
            await ledger.drain()
        elif action in ("away", "back"):
            books.away = action == "away"
        elif action == "die":
            for reading in journal._readings:
                reading.segment.close()
            abandoned |= set(open_calls)
            open_calls.clear()
            ledger, journal = born()
            await ledger.adopt()
    for row in open_calls.values():
        ended[row.attempt_id] = row
        ledger.record(row)
    books.away = False
    await ledger.adopt()
    await ledger.close()
    assert {key: row for key, row in books.rows.items() if row.outcome == "success"} == ended
    assert {key for key, row in books.rows.items() if row.outcome != "success"} == abandoned
    assert not folder.exists() or list(folder.iterdir()) == []


def test_journals_lie_beside_their_store_and_each_store_has_its_own() -> None:
    here = Path("/configuration/.modelops")
    beside = journal_folder("sqlite:////a/b/store.db", here)
    assert beside == Path("/a/b/store.db.journals")
    one = journal_folder("postgresql://user:secret@host/db", here)
    assert one.parent == here
    assert one == journal_folder("postgresql://another:password@host/db", here)
    assert one != journal_folder("postgresql://user:secret@host/db2", here)


def test_whether_a_journal_takes_rows_is_seen_without_one(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journals", segment_bytes=500, max_bytes=1_000)
    journal.check()
    (file,) = (tmp_path / "journals").iterdir()
    journal.append(Kind.END, attempt())
    before = file.read_bytes()
    journal.check()
    assert file.read_bytes() == before
    while journal.size < 1_000:
        journal.append(Kind.END, attempt())
    with pytest.raises(OSError, match="is full"):
        journal.check()
    journal.close()
