"""What is particular to SQLite: how to connect, how to begin, and what its errors mean.

WAL lets readers and the one writer work at the same time. The driver's own transaction handling is
off (`isolation_level=None`), because it commits before DDL and begins too late; BEGIN is sent here.

Connections do not bring the write-ahead log back to the database on their own. Before 3.51.3 SQLite
loses committed transactions when a commit resets the log while a checkpoint runs that began after
the one before it was complete (sqlite.org/wal.html#walresetbug), which workers that are killed
under load do meet. `checkpoint` does it instead, while it holds off every commit.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import stat
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import URL, Connection, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DisconnectionError, OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from modelops.store.protocol import (
    NotAStoreError,
    StoreDamagedError,
    StoreError,
    StoreFullError,
    StoreLockedError,
    StoreReadOnlyError,
    StoreUnreachableError,
)

WRITE = "modelops_write"
"""Execution option of a connection whose transaction is going to write."""


def path_of(url: str) -> Path:
    """Return the file of a `sqlite:///PATH` URL; StoreError when it names none.

    The path is taken as it stands, so no character of it needs to be escaped.
    """
    name = url.partition(":///")[2]
    if name in ("", ":memory:"):
        raise StoreError(
            f"{url!r} names no file", "write sqlite:///PATH, or sqlite:////PATH for an absolute one"
        )
    return Path(name)


def exists(path: Path) -> bool:
    """Say whether a store was begun here: an empty file is what a killed first apply leaves.

    StoreUnreachableError when there is something that cannot be opened. The driver would find out
    too, but in a thread of its own that it then abandons. The file is not opened to see: closing it
    again would drop the locks that this process's connections hold on it (fcntl, close).
    """
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise _unreachable(path, f"cannot be opened: {error.strerror}") from error
    if stat.S_ISDIR(found.st_mode):
        raise _unreachable(path, "is a folder")
    if not os.access(path, os.R_OK):
        raise _unreachable(path, f"cannot be opened: {os.strerror(errno.EACCES)}")
    return found.st_size > 0


def _unreachable(path: Path, reason: str) -> StoreUnreachableError:
    return StoreUnreachableError(f"the store {path} {reason}", "check the path and its permissions")


def create_file(path: Path) -> None:
    """Make the file, and its folder if only that is missing; both are for the owner alone."""
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        path.touch(mode=0o600)
    except FileNotFoundError:
        raise StoreUnreachableError(
            f"the store cannot be made at {path}: {path.parent.parent} does not exist",
            "make that folder, or name another with --store",
        ) from None
    except OSError as error:
        raise StoreUnreachableError(
            f"the store cannot be made at {path}: {error.strerror or error}",
            "name another place with --store",
        ) from error


def engine(path: Path, *, lock_wait_s: float, use_wal: bool = False) -> AsyncEngine:
    """Return an engine, which never creates the file; `use_wal` switches the file to WAL."""
    made = create_async_engine(
        URL.create(
            "sqlite+aiosqlite",
            database=f"file:{quote(str(path.absolute()))}",
            query={"mode": "rw", "uri": "true"},
        ),
        connect_args={"timeout": lock_wait_s, "isolation_level": None},
    )
    event.listen(made.sync_engine, "connect", _set_pragmas)
    if use_wal:
        event.listen(made.sync_engine, "connect", _use_wal)
    event.listen(made.sync_engine, "begin", _begin)
    _follow(made, path)
    return made


def _follow(made: AsyncEngine, path: Path) -> None:
    """Drop a pooled connection once another file lies at the path: it would read the old one."""

    def remember(_: DBAPIConnection, entry: ConnectionPoolEntry) -> None:
        entry.info["file"] = _file_id(path)

    def compare(_: DBAPIConnection, entry: ConnectionPoolEntry, __: object) -> None:
        if entry.info["file"] != _file_id(path):
            raise DisconnectionError("another file lies at the path of the store")

    event.listen(made.sync_engine, "connect", remember)
    event.listen(made.sync_engine, "checkout", compare)


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


def store_error(error: BaseException, path: Path) -> StoreError | None:
    """Return what an error of the driver means for the person who runs this; None if nothing."""
    if not isinstance(error, sqlite3.Error):
        return None
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    place = f"the store {path}"
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StoreLockedError(
            f"{place} is locked by another process", "try again when that one is done"
        )
    if code == sqlite3.SQLITE_READONLY:
        return StoreReadOnlyError(
            f"{place} is read-only", "check the permissions of the file and of its folder"
        )
    if code == sqlite3.SQLITE_FULL:
        return StoreFullError(f"the disk under {place} is full", "make room and try again")
    if code == sqlite3.SQLITE_NOTADB:
        return NotAStoreError(f"{path} is not a database", "name a store with --store")
    if code == sqlite3.SQLITE_CANTOPEN:
        return StoreUnreachableError(
            f"{place} cannot be opened",
            "check the permissions of the file and of its folder",
        )
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_IOERR):
        return StoreDamagedError(
            f"{place} cannot be read: {error}", "check the disk, and restore a backup"
        )
    return None
