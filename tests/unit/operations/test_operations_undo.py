"""What status advises to take the last change back: nothing that does nothing, or harm."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from resource_samples import provider, settings
from row_samples import info, sealed

from modelops.operations.undo import lost, undo
from modelops.resources.resolved import Provider
from modelops.secrets.sealed import SecretNote
from modelops.store import open_store
from modelops.store.protocol import Changes, Notes, Revision, RevisionKind


def made(number: int, digest: str, kind: RevisionKind = "apply", **keys: SecretNote) -> Revision:
    return Revision(
        revision=number,
        base=number - 1,
        digest=digest,
        info=info(kind=kind),
        notes=Notes(secrets={f"provider/{name}": {"api_key": note} for name, note in keys.items()}),
    )


BEFORE = made(12, "a")


def test_a_change_of_content_is_rolled_back() -> None:
    assert undo([made(13, "b"), BEFORE]) == "modelops rollback 12"
    assert undo([made(13, "b", openai="changed"), BEFORE]) == "modelops rollback 12"


def test_nothing_is_advised_where_there_is_nothing_to_go_back_to() -> None:
    assert undo([]) == ""
    assert undo([made(1, "a")]) == ""


def test_a_rollback_is_not_undone() -> None:
    assert undo([made(13, "b", "rollback"), BEFORE]) == ""


def test_of_keys_alone_the_old_ones_are_set_again() -> None:
    advice = undo([made(13, "a", openai="changed", mistral="re-encrypted"), BEFORE])
    assert advice.startswith("set the old key of provider/mistral, provider/openai with modelops ")
    assert "rollback" not in advice
    assert undo([made(13, "a", openai="re-sealed"), BEFORE]) == "", "the key is the same one"


def test_a_provider_is_not_left_without_its_key() -> None:
    advice = undo([made(13, "b", openai="changed"), BEFORE], ["provider/openai"])
    assert advice.startswith("declare provider/openai as it was, then modelops apply (keys are not")
    assert undo([made(13, "b", openai="origin changed"), BEFORE]) == "modelops rollback 12"


@pytest.mark.parametrize(
    ("now", "row", "gone"),
    [
        (provider(), {"source_sha256": "c" * 64}, []),
        (provider(api_key="env:KEY"), {"kind": "env", "blob": ""}, ["provider/openai"]),
        (
            provider(base_url="https://new.example"),
            {"origin": "https://new.example:443"},
            ["provider/openai"],
        ),
    ],
    ids=["another key", "no key any more", "another host"],
)
async def test_what_a_rollback_would_refuse_is_asked_of_the_rows(
    now: Provider, row: dict[str, str], gone: list[str], new_sqlite_store: Callable[[], str]
) -> None:
    store = open_store(new_sqlite_store())
    places = {"origin": "https://api.openai.example:443"}
    for resource, fields in ((provider(), places), (now, places | row)):
        changes = Changes(put=(settings(), resource), secrets=(sealed(**fields),))
        await store.commit(await store.head(), changes, info())
        history, state = await store.revisions(2), (await store.snapshot()).state
        assert history[0].notes.secrets
        assert await lost(store, state, history) == (gone if len(history) > 1 else [])
    await store.close()
