"""A database: an engine, how its transactions are opened, and its errors in the user's words.

Every statement of this room runs inside `Database.transaction()`. What differs between SQLite and
Postgres is behind the two functions that make a `Database`; nothing above asks which one it is.
"""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import inspect, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from modelops.store import postgres, sqlite
from modelops.store.protocol import NotAStoreError, StoreError, StoreNewerError, StoreOlderError

SCHEMA_VERSIONS = ("0001", "0002", "0003", "0004")
"""Every version of the tables, oldest first; the names of the scripts in `migrations/versions`."""

TIDY_EVERY = 32
"""Commits: three seconds of a busy worker's, some 10 MB of SQLite's write-ahead log."""


class Database(NamedTuple):
    """One database. `place` is how messages call it; `exists` connects to nothing.

    `tidy` is what the database wants done every `TIDY_EVERY` commits of this process.
    """

    engine: AsyncEngine
    place: str
    exists: Callable[[], bool]
    store_error: Callable[[BaseException], StoreError | None]
    tidy: Callable[[AsyncEngine], Awaitable[None]]
    commits: Iterator[int]

    @asynccontextmanager
    async def transaction(self, *, write: bool = False) -> AsyncIterator[AsyncConnection]:
        """Open a transaction: committed at the end, rolled back by any exception.

        One that writes has to say so: on SQLite it waits for the write lock at its beginning,
        because one that has read can no longer wait for it.
        """
        try:
            async with self.engine.connect() as connection:
                await connection.execution_options(**{sqlite.WRITE: write})
                async with connection.begin():
                    yield connection
            if write and next(self.commits) % TIDY_EVERY == 0:
                await self.tidy(self.engine)
        except (SQLAlchemyError, OSError) as error:
            driver_error = error.orig if isinstance(error, DBAPIError) else error
            found = self.store_error(driver_error) if driver_error is not None else None
            raise found or StoreError(f"{self.place} failed: {error}") from error

    async def close(self) -> None:
        """Close every connection."""
        await self.engine.dispose()


def connect(url: str, *, lock_wait_s: float) -> Database:
    """Return the database of a URL, for ordinary use."""
    if _is_postgres(url):
        return _on_postgres(url, postgres.engine(url, lock_wait_s=lock_wait_s))
    path = _sqlite_path(url)
    return _on_sqlite(path, sqlite.engine(path, lock_wait_s=lock_wait_s))


def connect_to_migrate(url: str, *, lock_wait_s: float) -> Database:
    """Return the database of a URL, made if need be; a Postgres database is there already."""
    if _is_postgres(url):
        return _on_postgres(url, postgres.engine(url, lock_wait_s=lock_wait_s, migrates=True))
    path = _sqlite_path(url)
    if not sqlite.exists(path):
        sqlite.create_file(path)
    return _on_sqlite(path, sqlite.engine(path, lock_wait_s=lock_wait_s, use_wal=True))


async def schema_version(connection: AsyncConnection, place: str) -> str:
    """Return the version of the tables, '' of an empty database.

    NotAStoreError when the database holds tables of something else.
    """
    names = await connection.run_sync(lambda sync: inspect(sync).get_table_names())
    if "alembic_version" not in names:
        if names:
            raise NotAStoreError(
                f"{place} holds the tables of something else", "name a store with --store"
            )
        return ""
    found = await connection.scalar(text("SELECT version_num FROM alembic_version"))
    return str(found or "")


def require_current(version: str, place: str) -> None:
    """Raise StoreNewerError or StoreOlderError unless the tables are of this version."""
    if version not in SCHEMA_VERSIONS:
        raise StoreNewerError(
            f"{place} was written by a newer modelops (tables {version!r})",
            "install that version or a later one",
        )
    if version != SCHEMA_VERSIONS[-1]:
        raise StoreOlderError(
            f"{place} was written by an older modelops (tables {version})",
            "run `modelops apply`, which brings it up to date",
        )


def _is_postgres(url: str) -> bool:
    return url.partition("://")[0] in postgres.SCHEMES


def _sqlite_path(url: str) -> Path:
    scheme = url.partition(":")[0]
    if scheme != "sqlite":
        raise StoreError(
            f"{scheme!r} is not a kind of store", "write sqlite:///PATH or postgresql://..."
        )
    return sqlite.path_of(url)


def _on_sqlite(path: Path, engine: AsyncEngine) -> Database:
    return Database(
        engine=engine,
        place=f"the store {path}",
        exists=lambda: sqlite.exists(path),
        store_error=lambda error: sqlite.store_error(error, path),
        tidy=sqlite.checkpoint,
        commits=itertools.count(1),
    )


def _on_postgres(url: str, engine: AsyncEngine) -> Database:
    place = postgres.place_of(url)
    return Database(
        engine=engine,
        place=place,
        exists=lambda: True,
        store_error=lambda error: postgres.store_error(error, place),
        tidy=_nothing_to_tidy,
        commits=itertools.count(1),
    )


async def _nothing_to_tidy(_: AsyncEngine) -> None:
    """Postgres writes its checkpoints itself."""
