"""Journals of workers that are gone: each row is brought once, and what is torn is passed over."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
from ledger_samples import MemoryBooks, attempt, begun, left_behind

from modelops.ledger import Ledger, adoption, segment
from modelops.ledger.adoption import Adopted, adopt_orphans
from modelops.ledger.records import Kind, encode
from modelops.ledger.segment import SegmentName
from modelops.store.protocol import StoreLockedError


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
    left_behind(folder, 0, encode(Kind.BEGIN, begun(done)), encode(Kind.BEGIN, begun(open_call)))
    left_behind(folder, 1, encode(Kind.END, done), encode(Kind.END, torn)[:-1])
    segment.create_unpublished(folder, "1-dead.reserve", 4096).close()
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


async def test_what_cannot_be_opened_whole_is_let_go_and_adopted_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [attempt(), attempt()]
    for number, row in enumerate(rows):
        left_behind(tmp_path, number, encode(Kind.END, row))
    books = MemoryBooks()
    ledger = Ledger(books, tmp_path)
    adopt, descriptors = segment.adopt, 1

    def short(path: Path) -> segment.Segment | None:
        nonlocal descriptors
        if not descriptors:
            raise OSError(errno.EMFILE, "Too many open files")
        descriptors -= 1
        return adopt(path)

    with monkeypatch.context() as patched:
        patched.setattr(segment, "adopt", short)
        await ledger.adopt()
    assert "Too many open files" in ledger.error
    await ledger.adopt()
    assert books.rows.keys() == {row.attempt_id for row in rows}
    await ledger.close()


async def test_an_orphan_stays_until_the_store_takes_it(tmp_path: Path) -> None:
    folder = tmp_path / "journals"
    left_behind(folder, 0, encode(Kind.END, attempt()))
    books = MemoryBooks()
    books.away = True
    ledger = Ledger(books, folder)
    await ledger.adopt()
    assert ledger.error == "the store is away"
    books.away = False
    await ledger.adopt()
    assert len(books.rows) == 1
    await ledger.close()


async def test_rows_that_the_dead_worker_had_brought_itself_are_not_counted(tmp_path: Path) -> None:
    rows = [attempt() for _ in range(3)]
    records = [encode(Kind.END, row) for row in rows]
    left_behind(tmp_path, 1, *records)
    books = MemoryBooks()
    books.marks = {str(SegmentName("1-dead", 1)): len(records[0]), "2-alive.000001.journal": 9}
    assert await adopt_orphans(tmp_path, "me", books) == Adopted(rows=2)
    assert list(books.rows.values()) == rows[1:]
    assert books.marks == {"2-alive.000001.journal": 9}


async def test_where_the_stores_answer_is_lost_each_row_is_counted_once_it_is_heard(
    tmp_path: Path,
) -> None:
    done, open_call = attempt(), attempt()
    left_behind(tmp_path, 1, encode(Kind.BEGIN, begun(open_call)), encode(Kind.END, done))
    books = MemoryBooks()
    books.deaf = True
    with pytest.raises(StoreLockedError):
        await adopt_orphans(tmp_path, "me", books)
    books.deaf = False
    assert await adopt_orphans(tmp_path, "me", books) == Adopted(rows=2, interrupted=1)
    assert await adopt_orphans(tmp_path, "me", books) == Adopted()
    assert {row.attempt_id: row.outcome for row in books.rows.values()} == {
        done.attempt_id: "success",
        open_call.attempt_id: "interrupted",
    }


async def test_a_journal_that_is_read_in_pieces_is_read_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [attempt() for _ in range(5)]
    records = [encode(Kind.END, row) for row in rows]
    monkeypatch.setattr(adoption, "_READ_BYTES", len(records[0]) * 3 // 2)
    left_behind(tmp_path, 1, *records)
    books = MemoryBooks()
    assert await adopt_orphans(tmp_path, "me", books) == Adopted(rows=5)
    assert list(books.rows.values()) == rows


@pytest.mark.parametrize("length", [1, 4, 8, 9, 100, -1])
async def test_wherever_a_record_is_torn_what_is_whole_is_brought(
    tmp_path: Path, length: int
) -> None:
    row, torn = attempt(), encode(Kind.END, attempt())[:length]
    left_behind(tmp_path, 1, encode(Kind.END, row), torn)
    left_behind(tmp_path, 2)
    books = MemoryBooks()
    found = await adopt_orphans(tmp_path, "me", books)
    assert found == Adopted(rows=1, torn_bytes=len(torn.rstrip(b"\0")))
    assert list(books.rows.values()) == [row]
    assert list(tmp_path.iterdir()) == []
