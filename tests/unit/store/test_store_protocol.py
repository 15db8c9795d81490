"""What every kind of store does alike: revisions, complete, immutable, numbered; who was called."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from msgspec.structs import replace
from resource_samples import settings
from row_samples import attempt, info, sealed
from store_kinds import RevisionStore
from store_samples import agent, put

from modelops.resources.errors import ModelopsError, RefusedError
from modelops.resources.state import by_address, digest, state_digest
from modelops.store import cells, open_store
from modelops.store.books import Selection
from modelops.store.cubes import WEEK_US
from modelops.store.protocol import Changes, StoreError, StoreStaleError


async def test_a_new_store_stands_at_the_empty_revision(store: RevisionStore) -> None:
    head = await store.head()
    assert len(head.store_id) == 32
    assert (head.revision, head.config, head.digest) == (0, "", state_digest({}))
    assert (await store.snapshot()).state == {}
    assert list(await store.revisions(10)) == []
    assert list(await store.secrets()) == []


async def test_a_commit_becomes_the_head_and_the_history(store: RevisionStore) -> None:
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
    assert await store.head() == snapshot.head
    assert list(await store.revisions(10)) == [made]
    written_at_us = made.info.created_at_us  # a server goes by its own clock
    assert made.info == info(created_at_us=written_at_us)


async def test_earlier_revisions_stay_readable(store: RevisionStore) -> None:
    states = [
        by_address([settings(), agent("dev")]),
        by_address([settings(), agent("dev", "Dev"), agent("ops")]),
        by_address([settings(), agent("ops")]),
    ]
    gone = ("agent/dev",)
    await store.commit(await store.head(), Changes(put=tuple(states[0].values())), info())
    await store.commit(await store.head(), put(agent("dev", "Dev"), agent("ops")), info())
    await store.commit(await store.head(), Changes(delete=gone, consent=gone), info())
    for number, state in enumerate(states, 1):
        assert (await store.snapshot(number)).state == state
    assert (await store.snapshot(0)).state == {}
    assert [made.revision for made in await store.revisions(2)] == [3, 2]
    assert [made.revision for made in await store.revisions(9, before=2)] == [1]
    with pytest.raises(StoreError, match="no revision 4"):
        await store.snapshot(4)


async def test_a_commit_without_changes_keeps_the_files_alone(store: RevisionStore) -> None:
    await store.commit(await store.head(), put(settings()), info())
    base = await store.head()
    standing = await store.commit(base, Changes(), info(config_digest="d" * 64, message="again"))
    assert standing.revision == 1
    assert standing.info.message == info().message
    assert await store.head() == replace(base, config_digest="d" * 64)
    assert list(await store.revisions(9)) == [standing]
    assert standing.info.config_digest == "d" * 64
    await store.commit(base, put(settings(timezone="Asia/Tokyo")), info())
    with pytest.raises(StoreStaleError, match="stands at revision 2, not at 1"):
        await store.commit(base, Changes(), info())


async def test_a_commit_on_an_old_base_is_stale_and_changes_nothing(store: RevisionStore) -> None:
    base = await store.head()
    await store.commit(base, put(settings()), info())
    with pytest.raises(StoreStaleError, match="stands at revision 1, not at 0"):
        await store.commit(base, put(settings(timezone="Asia/Tokyo")), info())
    assert (await store.snapshot()).state == by_address([settings()])


async def test_another_configuration_or_environment_is_refused(store: RevisionStore) -> None:
    await store.commit(await store.head(), put(settings()), info(environment="prod"))
    head = await store.head()
    belongs = "the store belongs to .*acme.* environment .*prod.*"
    with pytest.raises(RefusedError, match=f"{belongs}other"):
        await store.commit(head, put(settings()), info(config="other", environment="prod"))
    with pytest.raises(RefusedError, match=f"{belongs}acme"):
        await store.commit(head, put(settings()), info())
    assert await store.head() == head


async def test_changes_that_do_not_fit_the_base_leave_the_store_alone(
    store: RevisionStore,
) -> None:
    head = await store.head()
    with pytest.raises((ValueError, StoreError), match=r"do not fit|is not there"):
        await store.commit(head, Changes(delete=("agent/nobody",)), info())
    assert await store.head() == head


async def test_one_of_several_racing_commits_wins(
    store: RevisionStore, another: Callable[[], RevisionStore]
) -> None:
    base = await store.head()
    stores = [another() for _ in range(5)]
    results = await asyncio.gather(
        *(each.commit(base, put(settings()), info()) for each in stores), return_exceptions=True
    )
    for each in stores:
        await each.close()
    assert sum(isinstance(result, StoreStaleError) for result in results) == 4
    assert len(await store.revisions(10)) == 1


async def test_sealed_secrets_come_back_as_they_went_in(store: RevisionStore) -> None:
    secret = sealed(address="agent/dev", field="credentials[openai].api_key")
    changes = Changes(put=(settings(), agent("dev")), secrets=(secret,))
    await store.commit(await store.head(), changes, info())
    assert list(await store.secrets()) == [secret]
    newer = replace(secret, blob="ms1.x.z", updated_at=2)
    await store.commit(await store.head(), Changes(secrets=(newer,)), info())
    assert list(await store.secrets()) == [newer]


async def test_what_moved_is_noted(store: RevisionStore) -> None:
    same, other = (
        sealed(address="agent/dev", field=f"credentials[{name}].api_key") for name in "ab"
    )
    first = Changes(put=(settings(), agent("dev")), secrets=(same, other))
    await store.commit(await store.head(), first, info())
    rows = (
        replace(same, address="agent/ops"),
        replace(other, address="agent/ops", source_sha256="c" * 64),
    )
    renamed = Changes(
        put=(agent("ops"),),
        delete=("agent/dev",),
        moved={"agent/ops": "agent/dev"},
        secrets=(*rows, replace(same, deleted_at=2), replace(other, deleted_at=2)),
    )
    made = await store.commit(await store.head(), renamed, info())
    assert made.notes.moved == {"agent/ops": "agent/dev"}
    assert made.notes.secrets == {"agent/ops": {other.field: "changed"}}
    assert (await store.revisions(1))[0] == made


async def test_what_became_of_each_secret_is_noted(store: RevisionStore) -> None:
    first = sealed(address="agent/dev", field="credentials[openai].api_key")
    written = [
        first,
        replace(first, source_sha256="c" * 64),
        replace(first, source_sha256="c" * 64, blob="ms1.x.z"),
        replace(first, source_sha256="d" * 64, data_key_sha256="e" * 64),
        replace(first, source_sha256="d" * 64, data_key_sha256="e" * 64, origin="https://other"),
        replace(first, deleted_at=2),
    ]
    for row in written:
        changes = Changes(put=(settings(), agent("dev")), secrets=(row,))
        made = await store.commit(await store.head(), changes, info())
        assert (await store.revisions(1))[0] == made
    *found, deleted = [made.notes.secrets for made in reversed(await store.revisions(6))]
    assert deleted == {}
    assert [notes["agent/dev"]["credentials[openai].api_key"] for notes in found] == [
        "new",
        "changed",
        "re-sealed",
        "re-encrypted",
        "origin changed",
    ]


async def test_of_an_erased_secret_only_the_hash_is_kept(store: RevisionStore) -> None:
    first = sealed(
        address="agent/dev",
        field="credentials[openai].api_key",
        origin="https://api.openai.com:443",
    )
    second = replace(first, source_sha256="c" * 64, blob="ms1.x.z")
    deleted_long_ago = replace(second, deleted_at=2)
    for written in (first, second, deleted_long_ago):
        changes = Changes(put=(settings(), agent("dev")), secrets=(written,))
        await store.commit(await store.head(), changes, info())
    (kept,) = await store.secrets()
    assert kept == replace(
        deleted_long_ago, blob="", replaced=f"{first.source_sha256} {first.origin}"
    )


async def test_who_was_called_is_told(store: RevisionStore, place: str) -> None:
    books = open_store(place)
    await books.add_attempts([attempt(started_at_us=10), attempt(started_at_us=10, model="x")])
    selection = Selection(since_us=10, until_us=11, by=("model",), filters={"status": ("success",)})
    assert await store.usage(selection) == await books.usage(selection)
    assert sum(group.sums.attempts for group in await store.usage(selection)) == 2
    await books.close()


async def test_a_report_has_an_end_to_its_groups(
    store: RevisionStore, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cells, "MAX_GROUPS", 3)
    books = open_store(place)
    weeks = range(0, 4 * WEEK_US, WEEK_US)
    await books.add_attempts([attempt(started_at_us=us, user=f"u{us}") for us in weeks])
    await books.close()
    for selection in (
        Selection(since_us=0, until_us=weeks.stop, by=("user",)),
        Selection(since_us=0, until_us=weeks.stop, starts=tuple(weeks)),
    ):
        assert len(await store.usage(replace(selection, until_us=weeks[3]))) == 3
        with pytest.raises(ModelopsError, match="at most 3 groups") as refused:
            await store.usage(selection)
        assert "filter" in refused.value.hint


_NAMES = st.sampled_from(["a", "b", "c", "d"])
_STATES = st.dictionaries(_NAMES, st.sampled_from(["", "One", "Two"]), max_size=4)


@hypothesis_settings(max_examples=10)
@given(st.lists(_STATES, min_size=1, max_size=5))
async def test_every_revision_holds_exactly_what_was_committed(
    store: RevisionStore, wanted: list[dict[str, str]]
) -> None:
    """From wherever the store stands: each example goes on where the one before it ended."""
    base = await store.snapshot()
    before = base.state
    states = [
        by_address([settings(), *(agent(name, text) for name, text in each.items())])
        for each in wanted
    ]
    for state in states:
        gone = tuple(address for address in before if address not in state)
        changes = Changes(put=tuple(state.values()), delete=gone, consent=gone)
        await store.commit(await store.head(), changes, info())
        before = state
    for number, state in enumerate(states, base.head.revision + 1):
        assert (await store.snapshot(number)).state == state
