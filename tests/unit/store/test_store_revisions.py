"""Revisions: complete, immutable, numbered, and made by one compare-and-swap."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from store_samples import agent, info, put, run_sql, settings, url_of

from modelops.resources.state import by_address, digest, state_digest
from modelops.store import migrate, open_store
from modelops.store.protocol import (
    Changes,
    StoreDamagedError,
    StoreError,
    StoreMismatchError,
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


async def test_a_new_store_stands_at_the_empty_revision(store: SqlStore) -> None:
    head = await store.head()
    assert len(head.store_id) == 32
    assert (head.revision, head.config, head.digest) == (0, "", state_digest({}))


async def test_a_commit_becomes_the_head_and_the_history(store: SqlStore) -> None:
    state = by_address([settings(), agent("dev")])
    made = await store.commit(await store.head(), Changes(put=tuple(state.values())), info())
    snapshot = await store.snapshot()
    assert snapshot.state == state
    assert (
        snapshot.head.digest
        == made.digest
        == state_digest({address: digest(item) for address, item in state.items()})
    )
    assert (snapshot.head.config, snapshot.head.config_digest) == ("acme", "c" * 64)
    assert list(await store.revisions(10)) == [made]
    assert made.info == info()
    assert await store.settings() == settings()


async def test_earlier_revisions_stay_readable(store: SqlStore) -> None:
    states = [
        by_address([settings(), agent("dev")]),
        by_address([settings(), agent("dev", "Dev"), agent("ops")]),
        by_address([settings(), agent("ops")]),
    ]
    await store.commit(await store.head(), Changes(put=tuple(states[0].values())), info())
    await store.commit(await store.head(), put(agent("dev", "Dev"), agent("ops")), info())
    await store.commit(await store.head(), Changes(delete=("agent/dev",)), info())
    for number, state in enumerate(states, 1):
        assert (await store.snapshot(number)).state == state
    assert (await store.snapshot(0)).state == {}
    assert [made.revision for made in await store.revisions(2)] == [3, 2]
    assert [made.revision for made in await store.revisions(9, before=2)] == [1]
    with pytest.raises(StoreError, match="no revision 4"):
        await store.snapshot(4)


async def test_a_commit_on_an_old_base_is_stale_and_changes_nothing(store: SqlStore) -> None:
    base = await store.head()
    await store.commit(base, put(settings()), info())
    with pytest.raises(StoreStaleError, match="stands at revision 1, not at 0"):
        await store.commit(base, put(settings(timezone="Asia/Tokyo")), info())
    assert (await store.snapshot()).state == by_address([settings()])


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


async def test_another_configuration_or_environment_is_refused(store: SqlStore) -> None:
    await store.commit(await store.head(), put(settings()), info(environment="prod"))
    head = await store.head()
    with pytest.raises(StoreMismatchError, match=r"'acme', environment 'prod', not to .*'other'"):
        await store.commit(head, put(settings()), info(config="other", environment="prod"))
    with pytest.raises(StoreMismatchError, match="environment 'prod', not to configuration 'acme'"):
        await store.commit(head, put(settings()), info())
    assert await store.head() == head


async def test_changes_that_do_not_fit_the_base_leave_the_store_alone(store: SqlStore) -> None:
    head = await store.head()
    with pytest.raises(ValueError, match="do not fit"):
        await store.commit(head, Changes(delete=("agent/nobody",)), info())
    assert await store.head() == head


async def test_content_is_kept_once(store: SqlStore, store_url: str) -> None:
    for _ in range(3):
        await store.commit(await store.head(), put(settings(), agent("dev")), info())
        await store.commit(await store.head(), Changes(delete=("agent/dev",)), info())
    counts = ("SELECT count(*) FROM resources", "SELECT count(*) FROM members")
    assert await run_sql(store_url, *counts) == [2, 4]


async def test_one_of_several_racing_commits_wins(store: SqlStore, store_url: str) -> None:
    base = await store.head()
    stores = [open_store(store_url) for _ in range(5)]
    results = await asyncio.gather(
        *(each.commit(base, put(settings()), info()) for each in stores), return_exceptions=True
    )
    for each in stores:
        await each.close()
    assert sum(isinstance(result, StoreStaleError) for result in results) == 4
    assert len(await store.revisions(10)) == 1


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


_NAMES = st.sampled_from(["a", "b", "c", "d"])
_STATES = st.dictionaries(_NAMES, st.sampled_from(["", "One", "Two"]), max_size=4)


@hypothesis_settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(_STATES, min_size=1, max_size=5))
def test_every_revision_holds_exactly_what_was_committed(
    new_store: Callable[[], str], wanted: list[dict[str, str]]
) -> None:
    asyncio.run(_commit_all(new_store(), wanted))


async def _commit_all(url: str, wanted: list[dict[str, str]]) -> None:
    await migrate(url)
    store = open_store(url)
    states = [by_address(agent(name, text) for name, text in each.items()) for each in wanted]
    before = (await store.snapshot()).state
    for state in states:
        gone = tuple(address for address in before if address not in state)
        changes = Changes(put=tuple(state.values()), delete=gone)
        await store.commit(await store.head(), changes, info())
        before = state
    for number, state in enumerate(states, 1):
        assert (await store.snapshot(number)).state == state
    await store.close()
