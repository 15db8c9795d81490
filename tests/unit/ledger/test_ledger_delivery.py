"""One row that no store takes, on both kinds of database: all others arrive, and it is told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from ledger_samples import MemoryBooks, attempt, begun, left_behind, of_a_later_version

from modelops.ledger import Ledger
from modelops.ledger.journal import Journal
from modelops.ledger.records import Kind, encode
from modelops.metering.attempt import Attempt, Cost
from modelops.store import open_store
from modelops.store.books import Selection
from modelops.store.sql_store import SqlStore

FITS_NO_COLUMN = attempt(cost=Cost(total_pico=2**63), agent="canary-5d")
NO_ID = attempt(attempt_id="none")


@pytest.fixture
async def store(store_url: str) -> AsyncIterator[SqlStore]:
    """Return an empty store."""
    opened = open_store(store_url)
    yield opened
    await opened.close()


async def kept(store: SqlStore) -> dict[str, str]:
    """Return the outcome of every row by its id."""
    rows = await store.list_attempts(Selection(since_us=0, until_us=2**62), 1_000)
    return {row.attempt_id: row.outcome for row in rows}


def outcomes(*rows: Attempt) -> dict[str, str]:
    return {row.attempt_id: row.outcome for row in rows}


@pytest.mark.parametrize("in_memory", [True, False])
@pytest.mark.parametrize("bad", [FITS_NO_COLUMN, NO_ID])
async def test_one_row_holds_up_no_other(
    store: SqlStore,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    bad: Attempt,
    in_memory: bool,
) -> None:
    if not in_memory:
        monkeypatch.setattr("modelops.ledger.segment_queue.ROWS_MAX", 1)
    ledger = Ledger(store, tmp_path / "journals")
    rows = [attempt() for _ in range(300)]
    for row in (*rows[:100], bad, *rows[100:]):
        ledger.begin(begun(row))
        ledger.record(row)
    await ledger.drain()
    assert await kept(store) == outcomes(*rows)
    assert (ledger.waiting, ledger.lost) == (0, 1)
    assert ledger.loss.startswith("a row is lost: ")
    assert "canary" not in ledger.loss
    (file,) = (tmp_path / "journals").iterdir()
    assert (await store.journal_marks())[file.name] > 0
    ledger.record(attempt())
    await ledger.drain()
    assert len(caplog.messages) == 1
    await ledger.close()
    assert list((tmp_path / "journals").iterdir()) == []
    assert len(await kept(store)) == 301
    assert (ledger.waiting, ledger.lost) == (0, 1)


async def test_one_row_in_memory_holds_up_no_other(store: SqlStore, tmp_path: Path) -> None:
    (tmp_path / "journals").write_text("a file where a folder should be")
    ledger = Ledger(store, tmp_path / "journals")
    rows = [attempt(), attempt()]
    for row in (rows[0], FITS_NO_COLUMN, rows[1]):
        ledger.record(row)
    await ledger.drain()
    assert await kept(store) == outcomes(*rows)
    assert (ledger.waiting, ledger.lost) == (0, 1)


async def test_a_journal_with_what_no_store_takes_is_adopted_once(
    store: SqlStore, tmp_path: Path
) -> None:
    done, open_call, last, unknown, changed = (attempt() for _ in range(5))
    left_behind(
        tmp_path,
        0,
        encode(Kind.BEGIN, begun(open_call)),
        encode(Kind.END, done),
        encode(Kind.END, FITS_NO_COLUMN),
        of_a_later_version(unknown, Kind.BEGIN),
        of_a_later_version(unknown),
        of_a_later_version(changed, Kind.BEGIN),
    )
    left_behind(tmp_path, 1, of_a_later_version(attempt(), 3), encode(Kind.END, NO_ID))
    left_behind(tmp_path, 2, encode(Kind.END, changed), encode(Kind.END, last))
    ledger = Ledger(store, tmp_path)
    for _ in range(2):
        await ledger.adopt()
        assert await kept(store) == outcomes(done, begun(open_call), changed, last)
        assert (ledger.adopted.rows, ledger.adopted.interrupted) == (4, 1)
        assert (ledger.lost, ledger.adopted.lost) == (4, 4)
        assert ledger.loss.startswith("a row is lost: ")
    assert list(tmp_path.iterdir()) == []
    await ledger.close()


async def test_a_record_that_its_own_worker_cannot_read_back_is_lost_alone(tmp_path: Path) -> None:
    books = MemoryBooks()
    journal = Journal(tmp_path / "journals", segment_bytes=2_000)
    ledger = Ledger(books, tmp_path / "journals", journal=journal)
    changed = msgspec.structs.replace(attempt(), outcome="settled")
    rows = [attempt() for _ in range(9)]
    for row in (*rows[:4], changed, *rows[4:]):
        ledger.begin(begun(row))
        ledger.record(row)
    for queue in journal._queues:
        queue.drop_cache()
    await ledger.drain()
    assert set(books.rows) == {row.attempt_id for row in rows}
    assert (ledger.waiting, ledger.lost) == (0, 1)
    assert "settled" in ledger.loss
    await ledger.close()
    assert list((tmp_path / "journals").iterdir()) == []
