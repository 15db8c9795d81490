"""What is particular to a store on Postgres: its URL, its locks, its errors."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable

import pytest
from resource_samples import settings
from row_samples import attempt, info
from store_samples import put, run_sql

from modelops.resources.errors import ExitCode
from modelops.store import migrate, open_store, postgres
from modelops.store.protocol import (
    NotAStoreError,
    StoreError,
    StoreLockedError,
    StoreMissingError,
    StoreReadOnlyError,
    StoreUnreachableError,
)

NewDatabase = Callable[[], str]


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
