"""SQLite under SQLAlchemy: transactions in threads, how they begin, when to tidy.

The driver is the standard library's, in threads: one for event loops takes three or four turns of
the loop for each statement, 0.3 ms.

WAL lets readers and the one writer work at the same time. The driver's own transaction handling is
off (`isolation_level=None`), because it commits before DDL and begins too late; BEGIN is sent here,
at once for the write lock where a transaction writes: one that has read can no longer wait for it.

Connections do not bring the write-ahead log back to the database on their own. Before 3.51.3 SQLite
loses committed transactions when a commit resets the log while a checkpoint runs that began after
the one before it was complete (sqlite.org/wal.html#walresetbug), which workers that are killed
under load do meet. `_checkpoint` does it instead, while it holds off every commit.
"""

from __future__ import annotations

import asyncio
import functools
import itertools
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DisconnectionError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

from modelops.store import sqlite_file

T = TypeVar("T")

READERS = 8
LONG_RUNNING_READERS = 2
"""Reports and the like have threads of their own, or other reads would wait for them."""

TIDY_EVERY = 16
"""Commits: three seconds of a busy worker's, some 10 MB of the write-ahead log. The first commit
is one of them: the memory that this takes is taken at the start."""


class SqliteTransactions:
    """Transactions on one file, which is never created here; `use_wal` switches it to WAL.

    Writers run one at a time in a single thread; SQLite allows only one. Its own lock has no queue:
    here they run in the order in which they were asked for.
    """

    def __init__(self, path: Path, *, lock_wait_s: float, use_wal: bool = False) -> None:
        given = functools.partial(_engine, path, lock_wait_s=lock_wait_s, use_wal=use_wal)
        self._write_engine = given(connections=1)  # whose cache holds the pages written last
        self._copy_engine = given(connections=1)
        self._read_engine = given(connections=READERS + LONG_RUNNING_READERS)
        self._writer = ThreadPoolExecutor(1, "store-writer")
        self._readers = ThreadPoolExecutor(READERS, "store-reader")
        self._long_running = ThreadPoolExecutor(LONG_RUNNING_READERS, "store-report")
        self._commits = itertools.count()

    async def run(self, work: Callable[[Connection], T], *, write: bool, long_running: bool) -> T:
        """Return what work comes to; nothing is committed once whoever awaits it is cancelled."""
        threads = self._writer if write else self._long_running if long_running else self._readers
        turn = _Turn()
        try:
            found = await asyncio.get_running_loop().run_in_executor(
                threads, self._run, turn, work, write
            )
        except asyncio.CancelledError:
            turn.cancel()
            raise
        if write and next(self._commits) % TIDY_EVERY == 0:
            with suppress(RuntimeError):  # it was closed meanwhile
                self._writer.submit(_checkpoint, self._write_engine, self._copy_engine)
        return found

    async def close(self) -> None:
        """Close every connection, once what was begun is done."""
        for threads in (self._writer, self._readers, self._long_running):
            await asyncio.to_thread(threads.shutdown, cancel_futures=True)
        self._write_engine.dispose()
        self._copy_engine.dispose()
        self._read_engine.dispose()

    def _run(self, turn: _Turn, work: Callable[[Connection], T], write: bool) -> T:
        engine = self._write_engine if write else self._read_engine
        with engine.connect() as connection, turn.on(connection), connection.begin():
            connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")
            turn.check()
            found = work(connection)
            turn.check()
        return found


class _Turn:
    """One transaction in a thread, which others may cancel: what it reads is interrupted."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._cancelled = False

    @contextmanager
    def on(self, connection: Connection) -> Iterator[None]:
        """Let it be interrupted on its connection, until that is another's."""
        self._connection = connection.connection.driver_connection
        try:
            yield
        finally:
            with self._lock:
                self._connection = None

    def cancel(self) -> None:
        """Cancel it from another thread."""
        with self._lock:
            self._cancelled = True
            if self._connection is not None:
                self._connection.interrupt()

    def check(self) -> None:
        """Raise CancelledError once it is cancelled."""
        if self._cancelled:
            raise CancelledError


def _engine(path: Path, *, lock_wait_s: float, use_wal: bool, connections: int) -> Engine:
    query = {"mode": "rw", "uri": "true"}
    url = URL.create("sqlite+pysqlite", database=sqlite_file.uri_of(path), query=query)
    made = create_engine(
        url,
        connect_args={"timeout": lock_wait_s, "isolation_level": None},
        hide_parameters=True,
        pool_size=connections,
        pool_use_lifo=True,  # few are used, each with a cache of pages of its own
    )
    event.listen(made, "connect", _set_pragmas)
    _follow(made, path)
    if use_wal:
        event.listen(made, "connect", _use_wal)
    return made


def _follow(made: Engine, path: Path) -> None:
    """Drop a pooled connection once another file lies at the path: it would read the old one."""

    def remember(_: DBAPIConnection, entry: ConnectionPoolEntry) -> None:
        entry.info["file"] = _file_id(path)

    def compare(_: DBAPIConnection, entry: ConnectionPoolEntry, __: object) -> None:
        if entry.info["file"] != _file_id(path):
            raise DisconnectionError("another file lies at the path of the store")

    event.listen(made, "connect", remember)
    event.listen(made, "checkout", compare)


def _file_id(path: Path) -> tuple[int, int] | None:
    """Return device and inode of a file, None when there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _set_pragmas(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.execute("PRAGMA wal_autocheckpoint = 0")
    cursor.close()


def _use_wal(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.close()


def _checkpoint(write_engine: Engine, copy_engine: Engine) -> None:
    """Bring the write-ahead log back to the database while no other connection can commit.

    A log that readers still need, or a write lock that is not to be had, waits for the next time.
    Whatever else is wrong the next transaction says: the one before this is committed.
    """
    try:
        with write_engine.connect() as holder, copy_engine.connect() as copier, holder.begin():
            holder.exec_driver_sql("BEGIN IMMEDIATE")
            copier.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)")
    except SQLAlchemyError:
        return
