"""The store in memory answers as a database does: else the tests of the API would test only it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest
import row_samples
from memory_store import MemoryStore
from row_samples import attempt, info, instance
from server_support import chain, state

from modelops.store import open_store
from modelops.store.books import AttemptCursor, Dimension, Selection
from modelops.store.protocol import Changes, ProbeResult, StoreError, StoreStaleError
from modelops.store.sql_store import SqlStore

STATES = [state(), state(chain("fast")), state(chain("fast"), chain("slow"))]


@pytest.fixture
async def database(new_sqlite_store: Callable[[], str]) -> AsyncIterator[SqlStore]:
    store = open_store(new_sqlite_store())
    yield store
    await store.close()


async def test_revisions_are_found_alike(database: SqlStore) -> None:
    memory = MemoryStore(STATES[0])
    for each in STATES[1:]:
        memory.stand(each)
    for each in STATES:
        await database.commit(await database.head(), Changes(put=tuple(each.values())), info())
    for number, each in enumerate(STATES, 1):
        assert (await memory.snapshot(number)).state == each
        assert (await database.snapshot(number)).state == each
    assert await memory.settings() == await database.settings()
    for store in (memory, database):
        assert (await store.snapshot()).head == await store.head()
        assert (await store.head()).revision == 3
        assert [made.revision for made in await store.revisions(2)] == [3, 2]
        assert [made.base for made in await store.revisions(9, before=2)] == [0]
        with pytest.raises(StoreError, match="no revision 4"):
            await store.snapshot(4)


async def test_rows_of_workers_and_of_connection_tests_are_kept_alike(database: SqlStore) -> None:
    memory = MemoryStore()
    for store in (memory, database):
        for name, seen_at_us in (("a", 1), ("b", 2), ("c", 2), ("a", 3)):
            await store.put_instance(instance(name, seen_at_us=seen_at_us))
        with pytest.raises(StoreStaleError):
            await store.merge_instances(["b", "nobody"], instance("x"))
        await store.merge_instances(["b", "c"], instance("x", seen_at_us=9))
        for name, status in (("openai", "error"), ("groq", "error"), ("openai", "connected")):
            result = ProbeResult(provider=name, status=status, tested_at_us=1, report="{}")
            await store.put_probe_result(result)
    found = list(await memory.instances())
    assert [row.instance for row in found] == ["x", "a"]
    assert found == list(await database.instances())
    assert list(await memory.probe_results()) == list(await database.probe_results())


FILTERS: list[dict[Dimension, tuple[str, ...]]] = [
    {},
    {"agent": ("ada",)},
    {"provider": ("openai", "groq"), "user": ("",)},
    {"model": ("openai/gpt-4o",)},
    {"model": ("",)},
    {"revision": ("2",)},
    {"chain": ("fast",), "status": ("success",)},
    {"status": ("fallback", "failed")},
]


async def test_attempts_are_listed_alike(database: SqlStore) -> None:
    request_id = row_samples.attempt().request_id
    rows = [
        attempt(started_at_us=1),
        attempt(started_at_us=2, agent="ada", revision=2),
        attempt(started_at_us=2, agent="ada", user="u", position=1, chain="fast"),
        attempt(started_at_us=3, provider="groq", model="m", outcome="failed"),
        attempt(started_at_us=3, provider="", model="", outcome="refused", request_id=request_id),
        attempt(started_at_us=4, chain="fast"),
        attempt(started_at_us=5, position=1, final=False),
    ]
    memory = MemoryStore()
    for store in (memory, database):
        await store.add_attempts([*rows, rows[0]])
        await store.add_attempts(rows[:2])
    cursor = AttemptCursor(rows[2].started_at_us, rows[2].attempt_id)
    selections = [Selection(since_us=0, until_us=9, filters=filters) for filters in FILTERS]
    selections += [
        Selection(since_us=2, until_us=4),
        Selection(since_us=0, until_us=9, request_id=request_id),
    ]
    for selection in selections:
        for after in (None, cursor):
            for limit in (2, 9):
                found = list(await memory.list_attempts(selection, limit, after))
                assert found == list(await database.list_attempts(selection, limit, after))
    assert len(await memory.list_attempts(selections[0], 9)) == len(rows)
