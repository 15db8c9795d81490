"""Revisions in a database: before there is one, how content is kept, how damage is noticed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from resource_samples import settings
from row_samples import info
from store_samples import agent, put, run_sql, url_of

from modelops.store import migrate, open_store
from modelops.store.protocol import (
    Changes,
    StoreDamagedError,
    StoreError,
    StoreMissingError,
    StoreNewerError,
    StoreStaleError,
)
from modelops.store.sql_store import SqlStore


@pytest.fixture
async def store(store_url: str) -> AsyncIterator[SqlStore]:
    await migrate(store_url)
    opened = open_store(store_url)
    yield opened
    await opened.close()


async def test_a_store_that_does_not_exist_reads_as_revision_0(tmp_path: Path) -> None:
    store = open_store(url_of(tmp_path / "nowhere" / "store.db"))
    snapshot = await store.snapshot()
    assert (snapshot.head.revision, snapshot.head.store_id, snapshot.state) == (0, "", {})
    assert list(await store.revisions(10)) == []
    assert await store.settings() is None
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(StoreMissingError):
        await store.commit(snapshot.head, put(settings()), info())
    await store.close()


async def test_a_base_read_before_the_store_was_made_fits_an_empty_store(tmp_path: Path) -> None:
    url = url_of(tmp_path / "store.db")
    store = open_store(url)
    base = await store.head()
    await migrate(url)
    made = await store.commit(base, put(settings()), info())
    assert made.revision == 1
    with pytest.raises(StoreStaleError):
        await store.commit(base, put(settings()), info())
    await store.close()


async def test_content_is_kept_once(store: SqlStore, store_url: str) -> None:
    for _ in range(3):
        await store.commit(await store.head(), put(settings(), agent("dev")), info())
        await store.commit(await store.head(), Changes(delete=("agent/dev",)), info())
    counts = ("SELECT count(*) FROM resources", "SELECT count(*) FROM members")
    assert await run_sql(store_url, *counts) == [2, 4]


@pytest.mark.parametrize(
    ("damage", "error", "message"),
    [
        ("UPDATE resources SET content = replace(content, 'UTC', 'GMT')", StoreDamagedError, "dig"),
        ("UPDATE members SET until = 1", StoreDamagedError, "revision 1"),
        ("UPDATE resources SET form = 99", StoreNewerError, "form 99"),
        ("DELETE FROM store", StoreDamagedError, "no head"),
        ("UPDATE alembic_version SET version_num = '9999'", StoreNewerError, "9999"),
    ],
)
async def test_damage_is_noticed(
    store: SqlStore, store_url: str, damage: str, error: type[StoreError], message: str
) -> None:
    await store.commit(await store.head(), put(settings()), info())
    await run_sql(store_url, damage)
    fresh = open_store(store_url)
    with pytest.raises(error, match=message):
        await fresh.snapshot()
    await fresh.close()
