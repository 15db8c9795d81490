"""Which keys a rollback brings back with a resource that moved."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from resource_samples import provider
from row_samples import sealed

from modelops.operations.secret_rows import from_before_moving
from modelops.operations.undo import keys_kept
from modelops.resources.state import by_address
from modelops.secrets.sealed import SealedSecret
from modelops.store.protocol import Notes

OLD = sealed(deleted_at=5)
NEW = sealed(address="provider/open", source_sha256="c" * 64)
MOVED = {"provider/openai": "provider/open"}


def test_a_key_that_changed_after_its_provider_moved_stays_where_it_is() -> None:
    state = by_address([provider("openai", api_key="sealed")])
    (warning,) = from_before_moving(state, [OLD, NEW], MOVED)
    assert warning.message.startswith("api_key of provider/openai will be the one it had before")
    assert warning.message.endswith("the newest is sealed for provider/open")
    notes = Notes(secrets={"provider/openai": {"api_key": "changed"}})
    assert len(list(keys_kept(notes))) == 1
    assert list(keys_kept(replace(notes, moved=MOVED))) == []


@pytest.mark.parametrize(
    ("rows", "key"),
    [
        ([OLD, replace(NEW, source_sha256=OLD.source_sha256)], "sealed"),
        ([OLD, replace(NEW, deleted_at=6)], "sealed"),
        ([replace(OLD, blob=""), NEW], "sealed"),
        ([NEW], "sealed"),
        ([OLD, NEW], "env:KEY"),
    ],
)
def test_what_is_the_same_or_told_otherwise_is_no_reason(
    rows: list[SealedSecret], key: str
) -> None:
    state = by_address([provider("openai", api_key=key)])
    assert list(from_before_moving(state, rows, MOVED)) == []
