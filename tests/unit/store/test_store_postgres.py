"""What is particular to a store on Postgres: its URL, its locks, its errors."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
from collections.abc import AsyncIterator, Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from resource_samples import settings
from row_samples import attempt, info
from store_samples import put, run_sql

from modelops.resources.errors import ExitCode
from modelops.store import migrate, open_store, postgres
from modelops.store.postgres import REPORTS_MAX, PostgresTransactions
from modelops.store.protocol import (
    NotAStoreError,
    StoreError,
    StoreLockedError,
    StoreMissingError,
    StoreReadOnlyError,
    StoreUnreachableError,
)

NewDatabase = Callable[[], str]


class Network:
    """What lies between a database and its users: `silence` swallows all, and closes nothing."""

    def __init__(self, database: str) -> None:
        self._socket = f"{parse_qs(urlsplit(database).query)['host'][0]}/.s.PGSQL.5432"
        self._pipes: set[asyncio.Task[None]] = set()
        self._writers: list[asyncio.StreamWriter] = []
        self.opened = 0

    async def connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Connect one user."""
        self.opened += 1
        answers, questions = await asyncio.open_unix_connection(self._socket)
        self._writers += [writer, questions]
        for source, target in ((reader, questions), (answers, writer)):
            self._pipes.add(asyncio.create_task(self._pass(source, target)))

    async def _pass(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while data := await source.read(65_536):
            target.write(data)
        target.close()

    async def silence(self) -> None:
        """Let nothing more through what is open."""
        pipes, self._pipes = self._pipes, set()
        for pipe in pipes:
            pipe.cancel()
        await asyncio.gather(*pipes, return_exceptions=True)

    async def end(self) -> None:
        """Close everything."""
        await self.silence()
        for writer in self._writers:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


@contextlib.asynccontextmanager
async def networked(database: str) -> AsyncIterator[tuple[str, Network]]:
    """Yield the URL of a database over TCP, and what lies between."""
    network = Network(database)
    async with await asyncio.start_server(network.connect, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        parts = urlsplit(database)
        try:
            yield f"postgresql://{parts.username}@127.0.0.1:{port}{parts.path}", network
        finally:
            await network.end()


async def test_a_database_that_goes_silent_is_unreachable_and_found_again(
    new_database: NewDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "CLOSE_S", 0.1)
    async with networked(new_database()) as (url, network):
        transactions = PostgresTransactions(url, lock_wait_s=1, answer_s=0.2)

        async def ask() -> int | None:
            return await transactions.run(
                lambda opened: opened.exec_driver_sql("SELECT 1").scalar(),
                write=False,
                long_running=False,
            )

        async with asyncio.timeout(30):
            assert list(await asyncio.gather(ask(), ask())) == [1, 1]
            assert await ask() == 1
            assert network.opened == 2
            await network.silence()
            with pytest.raises(StoreUnreachableError, match=r"does not answer: nothing in 0\.2 s"):
                await ask()
            assert list(await asyncio.gather(ask(), ask())) == [1, 1]
            await network.silence()
            await transactions.close()


async def test_what_is_short_does_not_wait_for_many_reports(new_database: NewDatabase) -> None:
    transactions = PostgresTransactions(new_database(), lock_wait_s=1)

    async def ask(statement: str, *, long_running: bool) -> object:
        return await transactions.run(
            lambda opened: opened.exec_driver_sql(statement).scalar(),
            write=False,
            long_running=long_running,
        )

    reports = [
        asyncio.create_task(ask("SELECT pg_sleep(60)", long_running=True)) for _ in range(20)
    ]
    running = "SELECT count(*) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(60)'"
    async with asyncio.timeout(30):
        while await ask(running, long_running=False) != REPORTS_MAX:
            await asyncio.sleep(0)
        for report in reports:
            report.cancel()
        await transactions.close()
        await asyncio.gather(*reports, return_exceptions=True)


def test_a_host_that_is_gone_is_noticed() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as connection,
    ):
        postgres._keep_alive(connection)
        assert connection.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 25_000


async def test_a_connection_that_the_server_closed_is_replaced_unseen(
    new_database: NewDatabase,
) -> None:
    url = new_database()
    await migrate(url)
    store = open_store(url)
    assert (await store.head()).revision == 0
    await run_sql(
        url,
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )
    assert (await store.head()).revision == 0
    await store.close()


async def test_an_empty_database_reads_as_revision_0_until_it_is_migrated(
    new_database: NewDatabase,
) -> None:
    url = new_database()
    store = open_store(url)
    assert (await store.head()).revision == 0
    with pytest.raises(StoreMissingError):
        await store.add_attempts([attempt()])
    await asyncio.gather(migrate(url), migrate(url), migrate(url))
    made = await store.commit(await store.head(), put(settings()), info())
    assert made.revision == 1
    await store.close()


async def test_another_programs_database_is_left_alone(new_database: NewDatabase) -> None:
    url = new_database()
    await run_sql(url, "CREATE TABLE songs (title TEXT)")
    with pytest.raises(NotAStoreError):
        await migrate(url)
    assert await run_sql(url, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [1]


async def test_a_lock_that_is_held_too_long_is_exit_5(new_database: NewDatabase) -> None:
    url = new_database()
    await migrate(url)
    first, second = open_store(url), open_store(url, lock_wait_s=0.05)
    base = await first.head()
    asyncpg = pytest.importorskip("asyncpg")
    holder = await asyncpg.connect(url)
    async with holder.transaction():
        await holder.execute("UPDATE store SET config_digest = ''")
        with pytest.raises(StoreLockedError) as caught:
            await second.commit(base, put(settings()), info())
    await holder.close()
    assert caught.value.exit_code is ExitCode.LOCKED
    await first.close()
    await second.close()


async def test_reads_may_not_write(new_database: NewDatabase) -> None:
    url = new_database()
    await migrate(url)
    store = open_store(url)
    with pytest.raises(StoreReadOnlyError):
        await store._database.run(lambda opened: opened.exec_driver_sql("DELETE FROM store"))
    await store.close()


@pytest.mark.parametrize("missing", ["asyncpg", "greenlet"])
def test_a_driver_that_is_missing_is_named(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    monkeypatch.delitem(sys.modules, "sqlalchemy.ext.asyncio", raising=False)
    monkeypatch.setattr(postgres, "find_spec", lambda name: name != missing)
    with pytest.raises(StoreUnreachableError, match="needs asyncpg and greenlet") as caught:
        open_store("postgresql://ada:hunter2@127.0.0.1/books")
    assert "hunter2" not in f"{caught.value.message} {caught.value.hint}"


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://ada:hunter2@127.0.0.1:1/books",
        "postgresql://ada:hunter2@/books?host=/nowhere",
        "postgresql://ada:hunter2@127.0.0.1:1/books?sslmode=perhaps",
        "postgresql://ada:hunter2@127.0.0.1:port/books",
    ],
)
async def test_an_unreachable_server_is_named_without_its_password(url: str) -> None:
    with pytest.raises(StoreError) as caught:
        await open_store(url).head()
    shown = f"{caught.value.message} {caught.value.hint}"
    assert caught.value.hint
    assert "hunter2" not in shown
    assert "store" in shown


async def test_an_unknown_database_is_unreachable(postgres_uri: str) -> None:
    store = open_store(postgres_uri.replace("/postgres?", "/nowhere?"))
    with pytest.raises(StoreUnreachableError, match="nowhere"):
        await store.head()
    await store.close()
