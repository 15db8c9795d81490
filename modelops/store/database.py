"""A database: how work gets a transaction of its own, and its errors in the user's words.

Every statement of this room runs in a function that `Database.run` gives a connection to. What
differs between SQLite and Postgres is behind the functions that make a `Database`; nothing above
asks which one it is.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, Protocol, TypeVar

from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import SQLAlchemyError, StatementError

from modelops.store import postgres, schema, sqlite, sqlite_file
from modelops.store.protocol import StoreError
from modelops.store.schema import Query

T = TypeVar("T")

Work = Callable[[Connection], T]
"""What is done in one transaction; it awaits nothing."""


class Transactions(Protocol):
    """How work is run on one kind of database."""

    async def run(self, work: Work[T], *, write: bool, long_running: bool) -> T:
        """Return what work comes to: committed at its end, rolled back by any exception."""
        ...

    async def close(self) -> None:
        """Close every connection."""
        ...


class Database(NamedTuple):
    """One database. `place` is how messages call it; `exists` connects to nothing."""

    transactions: Transactions
    place: str
    exists: Callable[[], bool]
    store_error: Callable[[BaseException], StoreError]

    async def run(self, work: Work[T], *, write: bool = False, long_running: bool = False) -> T:
        """Return what work comes to, in a transaction of its own.

        Work that writes has to say so, and work that takes seconds (`long_running`): nothing that
        is short waits for it to read, and a database may be silent for as long. What a store error
        says holds no statement and no values: anybody may read it at `/readyz`.
        """
        try:
            return await self.transactions.run(work, write=write, long_running=long_running)
        except (SQLAlchemyError, OSError, OverflowError, UnicodeEncodeError) as error:
            orig = error.orig if isinstance(error, StatementError) else None
            raise self.store_error(orig or error) from error

    async def close(self) -> None:
        """Close every connection."""
        await self.transactions.close()


def connect(url: str, *, lock_wait_s: float) -> Database:
    """Return the database of a URL, for ordinary use."""
    if _is_postgres(url):
        return _on_postgres(url, lock_wait_s=lock_wait_s)
    return _on_sqlite(_sqlite_path(url), lock_wait_s=lock_wait_s)


def connect_to_migrate(url: str, *, lock_wait_s: float) -> Database:
    """Return the database of a URL, made if need be; a Postgres database is there already."""
    if _is_postgres(url):
        return _on_postgres(url, lock_wait_s=lock_wait_s, migrates=True)
    path = _sqlite_path(url)
    if not sqlite_file.exists(path):
        sqlite_file.create_file(path)
    return _on_sqlite(path, lock_wait_s=lock_wait_s, use_wal=True)


def read(connection: Connection, reader: Callable[[Query], T]) -> T:
    """Return what a reader in plain SQL (`revisions.py`) finds in this database."""
    return reader(lambda statement, values: connection.execute(text(statement), values).all())


def schema_version(connection: Connection, place: str) -> str:
    """Return the version of the tables, '' of an empty database; errors as of schema.version."""
    tables = inspect(connection).get_table_names()
    return read(connection, lambda query: schema.version(tables, query, place))


def _is_postgres(url: str) -> bool:
    return url.partition("://")[0] in postgres.SCHEMES


def _sqlite_path(url: str) -> Path:
    scheme = url.partition(":")[0]
    if scheme != "sqlite":
        raise StoreError(
            f"{scheme!r} is not a kind of store",
            "write sqlite:///PATH, postgresql://... or https://SERVER",
        )
    return sqlite_file.path_of(url)


def _on_sqlite(path: Path, *, lock_wait_s: float, use_wal: bool = False) -> Database:
    return Database(
        transactions=sqlite.SqliteTransactions(path, lock_wait_s=lock_wait_s, use_wal=use_wal),
        place=sqlite_file.place_of(path),
        exists=lambda: sqlite_file.exists(path),
        store_error=lambda error: sqlite_file.store_error(error, path),
    )


def _on_postgres(url: str, *, lock_wait_s: float, migrates: bool = False) -> Database:
    place = postgres.place_of(url)
    return Database(
        transactions=postgres.PostgresTransactions(url, lock_wait_s=lock_wait_s, migrates=migrates),
        place=place,
        exists=lambda: True,
        store_error=lambda error: postgres.store_error(error, place),
    )
