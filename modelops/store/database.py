"""A database: an engine, how its transactions are opened, and its errors in the user's words.

Every statement of this room runs inside `Database.transaction()`. What differs between SQLite and
Postgres is behind the two functions that make a `Database`; nothing above asks which one it is.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import NamedTuple, TypeVar

from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from modelops.store import postgres, schema, sqlite, sqlite_file
from modelops.store.protocol import StoreError
from modelops.store.schema import Query

T = TypeVar("T")

TIDY_EVERY = 32
"""Commits: three seconds of a busy worker's, some 10 MB of SQLite's write-ahead log."""

THREADS = 2
"""So that one can read while another waits for the write lock."""


class Database(NamedTuple):
    """One database. `place` is how messages call it; `exists` connects to nothing.

    `threads` do the work of `run` on SQLite, with an engine of their own: the driver for event
    loops takes three or four turns of the loop for each statement, 0.3 ms. None on Postgres.
    `tidy` is what the database wants done every `TIDY_EVERY` commits of this process.
    """

    engine: AsyncEngine
    threads: tuple[Engine, Executor] | None
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
        with self._errors():
            async with self.engine.connect() as connection:
                await connection.execution_options(**{sqlite.WRITE: write})
                async with connection.begin():
                    yield connection
            if write:
                await self._committed()

    async def run(self, work: Callable[[Connection], T], *, write: bool = False) -> T:
        """Return what a function comes to that has a transaction to itself, and awaits nothing."""
        if self.threads is None:
            async with self.transaction(write=write) as connection:
                return await connection.run_sync(work)
        engine, threads = self.threads
        with self._errors():
            loop = asyncio.get_running_loop()
            found = await loop.run_in_executor(threads, _worked, engine, work, write)
            if write:
                await self._committed()
            return found

    async def close(self) -> None:
        """Close every connection."""
        await self.engine.dispose()
        if self.threads is not None:
            engine, threads = self.threads
            threads.shutdown()
            engine.dispose()

    async def _committed(self) -> None:
        if next(self.commits) % TIDY_EVERY == 0:
            await self.tidy(self.engine)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Turn what goes wrong with the database into an error of the store."""
        try:
            yield
        except (SQLAlchemyError, OSError) as error:
            driver_error = error.orig if isinstance(error, DBAPIError) else error
            found = self.store_error(driver_error) if driver_error is not None else None
            raise found or StoreError(f"{self.place} failed: {error}") from error


def _worked(engine: Engine, work: Callable[[Connection], T], write: bool) -> T:
    with engine.connect() as connection:
        connection = connection.execution_options(**{sqlite.WRITE: write})
        with connection.begin():
            return work(connection)


def connect(url: str, *, lock_wait_s: float) -> Database:
    """Return the database of a URL, for ordinary use."""
    if _is_postgres(url):
        return _on_postgres(url, postgres.engine(url, lock_wait_s=lock_wait_s))
    path = _sqlite_path(url)
    threads = (
        sqlite.engine_for_threads(path, lock_wait_s=lock_wait_s),
        ThreadPoolExecutor(THREADS, thread_name_prefix="store"),
    )
    return _on_sqlite(path, sqlite.engine(path, lock_wait_s=lock_wait_s), threads)


def connect_to_migrate(url: str, *, lock_wait_s: float) -> Database:
    """Return the database of a URL, made if need be; a Postgres database is there already."""
    if _is_postgres(url):
        return _on_postgres(url, postgres.engine(url, lock_wait_s=lock_wait_s, migrates=True))
    path = _sqlite_path(url)
    if not sqlite_file.exists(path):
        sqlite_file.create_file(path)
    return _on_sqlite(path, sqlite.engine(path, lock_wait_s=lock_wait_s, use_wal=True))


async def read(connection: AsyncConnection, reader: Callable[[Query], T]) -> T:
    """Return what a reader in plain SQL (`revisions.py`) finds in this database."""
    return await connection.run_sync(lambda opened: reader(query_of(opened)))


async def schema_version(connection: AsyncConnection, place: str) -> str:
    """Return the version of the tables, '' of an empty database; errors as of schema.version."""
    return await connection.run_sync(
        lambda opened: schema.version(inspect(opened).get_table_names(), query_of(opened), place)
    )


def query_of(connection: Connection) -> Query:
    """Return what a reader in plain SQL asks."""
    return lambda statement, values: connection.execute(text(statement), values).all()


def _is_postgres(url: str) -> bool:
    return url.partition("://")[0] in postgres.SCHEMES


def _sqlite_path(url: str) -> Path:
    scheme = url.partition(":")[0]
    if scheme != "sqlite":
        raise StoreError(
            f"{scheme!r} is not a kind of store", "write sqlite:///PATH or postgresql://..."
        )
    return sqlite_file.path_of(url)


def _on_sqlite(
    path: Path, engine: AsyncEngine, threads: tuple[Engine, Executor] | None = None
) -> Database:
    return Database(
        engine=engine,
        threads=threads,
        place=sqlite_file.place_of(path),
        exists=lambda: sqlite_file.exists(path),
        store_error=lambda error: sqlite_file.store_error(error, path),
        tidy=sqlite.checkpoint,
        commits=itertools.count(1),
    )


def _on_postgres(url: str, engine: AsyncEngine) -> Database:
    place = postgres.place_of(url)
    return Database(
        engine=engine,
        threads=None,
        place=place,
        exists=lambda: True,
        store_error=lambda error: postgres.store_error(error, place),
        tidy=_nothing_to_tidy,
        commits=itertools.count(1),
    )


async def _nothing_to_tidy(_: AsyncEngine) -> None:
    """Postgres writes its checkpoints itself."""
