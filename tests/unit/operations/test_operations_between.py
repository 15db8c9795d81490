"""What the notes of several revisions add up to, there and back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest
from resource_samples import agent as without_key
from resource_samples import provider, settings
from row_samples import info, sealed

from modelops.operations import between
from modelops.resources.resolved import Agent, Credential
from modelops.store import open_store
from modelops.store.protocol import Changes, Notes
from modelops.store.sql_store import SqlStore

KEY = "credentials[openai].api_key"


def agent(name: str) -> Agent:
    """Return an agent that has a sealed key of its own."""
    return without_key(name, credentials=(Credential(provider="openai", api_key="sealed"),))


@pytest.fixture
async def store(new_sqlite_store: Callable[[], str]) -> AsyncIterator[SqlStore]:
    """Return a store whose first revision has agent/a."""
    opened = open_store(new_sqlite_store())
    await commit(opened, Changes(put=(settings(), agent("a"))))
    yield opened
    await opened.close()


async def commit(store: SqlStore, changes: Changes) -> None:
    counts = {"delete": len(changes.delete) - len(changes.moved)}
    await store.commit(await store.head(), changes, info(counts=counts))


async def rename(store: SqlStore, old: str, new: str) -> None:
    moved = {f"agent/{new}": f"agent/{old}"}
    await commit(store, Changes(put=(agent(new),), delete=(f"agent/{old}",), moved=moved))


async def seal(store: SqlStore, name: str, digit: str, blob: str = "ms1.x.y") -> None:
    row = sealed(address=f"agent/{name}", field=KEY, source_sha256=digit * 64, blob=blob)
    await commit(store, Changes(secrets=(row,)))


async def notes(store: SqlStore, before: int, after: int) -> Notes:
    return await between.notes(store, await store.snapshot(before), await store.snapshot(after))


async def test_a_secret_and_what_became_of_it_move_with_its_resource(store: SqlStore) -> None:
    await seal(store, "a", "1")
    await rename(store, "a", "b")
    await rename(store, "b", "c")
    assert await notes(store, 1, 4) == Notes(
        moved={"agent/c": "agent/a"}, secrets={"agent/c": {KEY: "new"}}
    )
    assert await notes(store, 4, 1) == Notes(
        moved={"agent/a": "agent/c"}, secrets={"agent/a": {KEY: "new"}}
    )
    assert await notes(store, 4, 3) == Notes(moved={"agent/b": "agent/c"}, secrets={})
    await rename(store, "c", "a")
    assert (await notes(store, 1, 5)).moved == (await notes(store, 5, 1)).moved == {}
    assert await notes(store, 5, 5) == Notes()


async def test_what_was_deleted_on_the_way_has_not_moved(store: SqlStore) -> None:
    await rename(store, "a", "b")
    await commit(store, Changes(delete=("agent/b",)))
    await commit(store, Changes(put=(agent("b"),)))
    assert (await notes(store, 1, 2)).moved == {"agent/b": "agent/a"}
    assert (await notes(store, 1, 4)).moved == (await notes(store, 4, 1)).moved == {}


async def test_of_two_that_had_one_name_in_turn_the_first_goes_back(store: SqlStore) -> None:
    await rename(store, "a", "b")
    await commit(store, Changes(put=(agent("a"),)))
    await rename(store, "a", "c")
    assert (await notes(store, 1, 4)).moved == {"agent/b": "agent/a"}
    assert (await notes(store, 4, 1)).moved == {"agent/a": "agent/b"}


async def test_a_change_is_told_before_a_new_seal_of_it(store: SqlStore) -> None:
    await seal(store, "a", "1")
    await seal(store, "a", "2")
    await seal(store, "a", "2", "ms1.x.z")
    assert (await notes(store, 2, 4)).secrets == {"agent/a": {KEY: "changed"}}
    assert (await notes(store, 3, 4)).secrets == {"agent/a": {KEY: "re-sealed"}}


@pytest.mark.parametrize(
    "keys",
    [("env:A", "env:B", "env:A"), ("sealed", "", ""), ("", "sealed", "sealed")],
    ids=["there and back", "gone", "come"],
)
async def test_of_a_key_that_is_a_reference_the_state_speaks(
    store: SqlStore, keys: tuple[str, str, str]
) -> None:
    for number, key in enumerate(keys):
        row = sealed(source_sha256=f"{number}" * 64)
        await commit(store, Changes(put=(provider(api_key=key),), secrets=(row,)))
    assert [made.notes.secrets for made in await store.revisions(2)] == [
        {"provider/openai": {"api_key": "changed"}}
    ] * 2
    assert (await notes(store, 2, 4)).secrets == (await notes(store, 4, 2)).secrets == {}


async def test_what_went_has_no_key_that_changed(store: SqlStore) -> None:
    await commit(store, Changes(put=(provider(),), secrets=(sealed(),)))
    await commit(store, Changes(secrets=(sealed(source_sha256="c" * 64),)))
    await commit(store, Changes(delete=("provider/openai",)))
    assert (await notes(store, 3, 4)).secrets == (await notes(store, 2, 4)).secrets == {}
    assert (await notes(store, 2, 3)).secrets == {"provider/openai": {"api_key": "changed"}}
