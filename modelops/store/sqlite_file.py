"""The file of a SQLite store, by the driver alone: where it is, how it is made, what errors mean.

Apart from `sqlite.py` because importing SQLAlchemy takes longer than reading a store does.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import stat
from pathlib import Path
from urllib.parse import quote

from modelops.store.protocol import (
    NotAStoreError,
    StoreDamagedError,
    StoreError,
    StoreFullError,
    StoreLockedError,
    StoreReadOnlyError,
    StoreRefusedError,
    StoreUnreachableError,
)

TABLES = (
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite~_%' ESCAPE '~'"
)
"""Names the tables of a database, SQLite's own aside."""


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

    StoreUnreachableError when there is something that cannot be opened. The file is not opened to
    see: closing it again would drop the locks that this process's connections hold on it (fcntl,
    close).
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
    return StoreUnreachableError(f"{place_of(path)} {reason}", "check the path and its permissions")


def place_of(path: Path) -> str:
    """Return how messages call the store in a file."""
    return f"the store {path}"


def uri_of(path: Path) -> str:
    """Return the file as SQLite's URI; options follow a `?`."""
    return f"file:{quote(str(path.absolute()))}"


def connect(path: Path, lock_wait_s: float) -> sqlite3.Connection:
    """Return a connection to a file that is there; the caller sends BEGIN."""
    return sqlite3.connect(
        f"{uri_of(path)}?mode=rw", uri=True, timeout=lock_wait_s, isolation_level=None
    )


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


_REFUSED = (sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_MISMATCH)


def store_error(error: BaseException, path: Path) -> StoreError:
    """Return what an error of the driver means for the person who runs this.

    The driver raises Python's own errors for integers over 64 bits and text that is not valid
    Unicode.
    """
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    place = place_of(path)
    if code in _REFUSED or isinstance(error, (OverflowError, UnicodeEncodeError)):
        return StoreRefusedError(f"{place} does not take a value: {first_line(error)}")
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
    return StoreError(f"{place} failed: {first_line(error)}")


def first_line(error: BaseException) -> str:
    """Return what an error says, without the lines in which others add statement and values."""
    return str(error).partition("\n")[0]
