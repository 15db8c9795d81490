"""What is particular to SQLite under SQLAlchemy: how to connect, how to begin, when to tidy.

WAL lets readers and the one writer work at the same time. The driver's own transaction handling is
off (`isolation_level=None`), because it commits before DDL and begins too late; BEGIN is sent here.

Connections do not bring the write-ahead log back to the database on their own. Before 3.51.3 SQLite
loses committed transactions when a commit resets the log while a checkpoint runs that began after
the one before it was complete (sqlite.org/wal.html#walresetbug), which workers that are killed
under load do meet. `checkpoint` does it instead, while it holds off every commit.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DisconnectionError, OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from modelops.store import sqlite_file

WRITE = "modelops_write"
"""Execution option of a connection whose transaction is going to write."""


def engine(path: Path, *, lock_wait_s: float, use_wal: bool = False) -> AsyncEngine:
    """Return an engine, which never creates the file; `use_wal` switches the file to WAL."""
    made = create_async_engine(_url("sqlite+aiosqlite", path), connect_args=_options(lock_wait_s))
    _listen(made.sync_engine, path)
    if use_wal:
        event.listen(made.sync_engine, "connect", _use_wal)
    return made


def engine_for_threads(path: Path, *, lock_wait_s: float) -> Engine:
    """Return the same for use in threads, without an event loop between statements."""
    made = create_engine(_url("sqlite+pysqlite", path), connect_args=_options(lock_wait_s))
    _listen(made, path)
    return made


def _url(driver: str, path: Path) -> URL:
    query = {"mode": "rw", "uri": "true"}
    return URL.create(driver, database=sqlite_file.uri_of(path), query=query)


def _options(lock_wait_s: float) -> dict[str, Any]:
    return {"timeout": lock_wait_s, "isolation_level": None}


def _listen(made: Engine, path: Path) -> None:
    event.listen(made, "connect", _set_pragmas)
    event.listen(made, "begin", _begin)
    _follow(made, path)


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


def _begin(connection: Connection) -> None:
    write = connection.get_execution_options().get(WRITE)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


async def checkpoint(engine: AsyncEngine) -> None:
    """Bring the write-ahead log back to the database while no other connection can commit.

    A log that readers still need, or a write lock that is not to be had, waits for the next time.
    """
    try:
        async with engine.connect() as holder, engine.connect() as copier:
            await holder.execution_options(**{WRITE: True})
            async with holder.begin():
                await copier.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)")
    except OperationalError:
        return
