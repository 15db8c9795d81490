"""From `begin` and `record` to the store: every row once, whatever is away or full."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Sequence
from pathlib import Path

import pytest
from ledger_samples import MemoryBooks, attempt, begun, left_behind

from modelops.ledger import Ledger, journal_folder, segment
from modelops.ledger.journal import Journal
from modelops.ledger.records import MAX_RECORD, Kind, encode, scan
from modelops.ledger.segment import SegmentName
from modelops.store.books import Block, JournalMark


def written(file: Path) -> int:
    """Return how many bytes of a segment are records."""
    return scan(file.read_bytes(), 0)[-1].end


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
    assert books.marks == {file.name: written(file)}
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
    assert books.marks == {file.name: written(file)}
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


async def test_rows_of_full_segments_wait_in_their_files_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("modelops.ledger.journal.ROWS_MAX", 5)
    books = MemoryBooks()
    books.away = True
    journal = Journal(tmp_path / "journals", segment_bytes=2_000)
    ledger = Ledger(books, tmp_path / "journals", journal=journal)
    rows = [attempt() for _ in range(50)]
    for row in rows:
        ledger.record(row)
    await ledger.drain()
    held = sum(queue.kept for queue in journal._queues)
    assert 0 < held < 10, "those of the segment that is written to"
    books.away = False
    await ledger.drain()
    assert list(books.rows.values()) == rows
    await ledger.close()


async def test_a_full_disk_is_met_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    books = MemoryBooks()
    ledger = Ledger(books, tmp_path / "journals")
    rows = [attempt() for _ in range(3)]
    write, room = os.write, 0

    def limited(descriptor: int, data: bytes) -> int:
        if left := room - os.fstat(descriptor).st_size:
            return write(descriptor, data[:left])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", limited)
    ledger.record(rows[0])
    assert "No space left" in ledger.error
    ledger.record(rows[1])
    assert list((tmp_path / "journals").iterdir()) == []
    room = 150_000
    ledger._check_journal()
    assert ledger.error == ""
    (file,) = (tmp_path / "journals").iterdir()
    assert MAX_RECORD <= file.stat().st_size <= room
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


async def test_what_cannot_be_written_is_no_exception_and_is_lost(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ledger = Ledger(MemoryBooks(), tmp_path / "journals")
    for row in (attempt(user="\ud800"), attempt(status=2**64), attempt(status=2**64)):
        ledger.begin(row)
        ledger.record(row)
    ledger.record(attempt())
    assert (ledger.lost, ledger.waiting) == (3, 1)
    await ledger.drain()
    ledger._check_journal()
    assert (ledger.lost, ledger.waiting) == (3, 0)
    assert ledger.error == ""
    assert ledger.loss.startswith("a row is lost: ")
    assert len(caplog.messages) == 2, "each reason once"
    await ledger.close()


async def test_a_bug_ends_no_task_and_is_told_until_it_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for pause in ("DRAIN_S", "SYNC_S", "LOOK_S"):
        monkeypatch.setattr(f"modelops.ledger.ledger.{pause}", 0)
    calls: list[str] = []

    class Broken(MemoryBooks):
        async def add_journalled(self, blocks: Sequence[Block], mark: JournalMark) -> None:
            calls.append(ledger.error)
            if len(calls) < 3:
                raise KeyError("nobody thought of this")
            await super().add_journalled(blocks, mark)

    books = Broken()
    ledger = Ledger(books, tmp_path / "journals")
    ledger.record(attempt())
    ledger.start()
    async with asyncio.timeout(10):
        while ledger.waiting:
            await asyncio.sleep(0)
    await ledger.close()
    assert len(books.rows) == 1
    failed = "bringing rows to the store failed; the log says why"
    assert (calls, ledger.error) == (["", failed, failed], "")
    (record,) = caplog.records
    assert record.exc_info is not None


async def test_the_task_drains_and_adopts_until_it_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("modelops.ledger.ledger.DRAIN_S", 0)
    monkeypatch.setattr("modelops.ledger.ledger.SYNC_S", 0)
    folder = tmp_path / "journals"
    left_behind(folder, 0, encode(Kind.END, attempt()))
    books = MemoryBooks()
    ledger = Ledger(books, folder)
    ledger.start()
    ledger.record(attempt())
    while len(books.rows) < 2:
        await asyncio.sleep(0)
    ledger.record(attempt())
    await ledger.close()
    assert len(books.rows) == 3


def test_journals_lie_beside_their_store_and_each_store_has_its_own() -> None:
    here = Path("/configuration/.modelops")
    beside = journal_folder("sqlite:////a/b/store.db", here)
    assert beside == Path("/a/b/store.db.journals")
    one = journal_folder("postgresql://user:secret@host/db", here)
    assert one.parent == here
    assert one == journal_folder("postgresql://another:password@host/db", here)
    assert one != journal_folder("postgresql://user:secret@host/db2", here)


def fill(journal: Journal) -> None:
    """Write records until one is refused."""
    while True:
        journal.append(Kind.END, attempt())


def test_whether_a_full_journal_takes_rows_again_is_seen_without_one(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journals", segment_bytes=500, max_bytes=1_000)
    journal.check()
    for _ in range(2):
        with pytest.raises(OSError, match="is full"):
            fill(journal)
        with pytest.raises(OSError, match="is full"):
            journal.check()
        while batch := journal.next_batch():
            journal.consumed(batch)
        journal.check()
        journal.append(Kind.END, attempt())
    journal.close()
