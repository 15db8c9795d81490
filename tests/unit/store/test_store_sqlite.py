"""Transactions on SQLite run in threads: who waits for whom, and what a cancellation undoes."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from row_samples import instance
from sqlalchemy import Connection, text
from store_samples import url_of

from modelops.store import migrate, open_store
from modelops.store.books import Selection
from modelops.store.sql_store import SqlStore
from modelops.store.sqlite import LONG_RUNNING_READERS, READERS, SqliteTransactions

Holder = sqlite3.Connection

_WITHOUT_END = """
WITH RECURSIVE n(x) AS (SELECT begun() UNION ALL SELECT x FROM n) SELECT max(x) FROM n
"""


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqlStore]:
    """Return an empty store."""
    await migrate(url_of(tmp_path / "store.db"))
    store = open_store(url_of(tmp_path / "store.db"), lock_wait_s=30)
    await store.head()  # whether there is a store is looked at once
    yield store
    await store.close()


@pytest.fixture
def holder(store: SqlStore, tmp_path: Path) -> Holder:
    """Return another process's connection that has the write lock."""
    other = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    return other


def _release(holder: Holder) -> None:
    holder.execute("ROLLBACK")
    holder.close()


async def test_what_is_cancelled_before_its_end_is_not_written(tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "any.db").close()
    threads = SqliteTransactions(tmp_path / "any.db", lock_wait_s=1)
    loop, begun, go_on = asyncio.get_running_loop(), asyncio.Event(), threading.Event()

    def write(connection: Connection) -> None:
        connection.execute(text("CREATE TABLE songs (title TEXT)"))
        loop.call_soon_threadsafe(begun.set)
        go_on.wait()

    writing = asyncio.create_task(threads.run(write, write=True, long_running=False))
    await begun.wait()
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    go_on.set()
    assert await threads.run(_tables, write=True, long_running=False) == 0, "its turn comes behind"
    await threads.close()


async def test_writes_come_in_the_order_they_were_asked_for(
    store: SqlStore, holder: Holder
) -> None:
    writes = [
        asyncio.create_task(store.put_instance(instance("worker-1", seen_at_us=number)))
        for number in range(12)
    ]
    assert await store.instances() == [], "reads do not wait with them"
    _release(holder)
    await asyncio.gather(*writes)
    assert [each.seen_at_us for each in await store.instances()] == [11]


async def test_what_reads_the_books_for_seconds_says_so(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []
    run = SqliteTransactions.run

    async def watched(
        self: SqliteTransactions,
        work: Callable[[Connection], Any],
        *,
        write: bool,
        long_running: bool,
    ) -> Any:
        asked.append(long_running)
        return await run(self, work, write=write, long_running=long_running)

    monkeypatch.setattr(SqliteTransactions, "run", watched)
    chosen = Selection(since_us=0, until_us=1)
    await store.usage(chosen)
    await store.list_attempts(chosen, 1)
    await store.count_attempts(1)
    await store.adjusted(["a"])
    assert asked == [True] * 4
    await store.head()
    assert asked[4:] == [False]


async def test_a_cancelled_report_ends(tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "any.db").close()
    threads = SqliteTransactions(tmp_path / "any.db", lock_wait_s=1)
    begun = asyncio.Event()
    report = asyncio.create_task(threads.run(_endless(begun), write=False, long_running=True))
    await begun.wait()
    report.cancel()
    with pytest.raises(asyncio.CancelledError):
        await report
    async with asyncio.timeout(30):
        await threads.close()


async def test_reports_hold_up_no_other_read(tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "any.db").close()
    threads = SqliteTransactions(tmp_path / "any.db", lock_wait_s=1)
    begun = [asyncio.Event() for _ in range(LONG_RUNNING_READERS)]
    reports = [
        asyncio.create_task(threads.run(_endless(event), write=False, long_running=True))
        for event in begun
    ]
    await asyncio.gather(*(event.wait() for event in begun))
    for _ in range(READERS + 1):
        assert await threads.run(_one, write=False, long_running=False) == 1
    for report in reports:
        report.cancel()
    await asyncio.gather(*reports, return_exceptions=True)
    async with asyncio.timeout(30):
        await threads.close()


def _endless(begun: asyncio.Event) -> Callable[[Connection], None]:
    loop = asyncio.get_running_loop()

    def work(connection: Connection) -> None:
        driver = connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        driver.create_function("begun", 0, lambda: str(loop.call_soon_threadsafe(begun.set)))
        connection.execute(text(_WITHOUT_END))

    return work


def _tables(connection: Connection) -> int:
    return int(connection.scalar(text("SELECT count(*) FROM sqlite_master")) or 0)


def _one(connection: Connection) -> int:
    return int(connection.scalar(text("SELECT 1")) or 0)
