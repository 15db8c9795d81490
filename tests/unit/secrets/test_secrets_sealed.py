from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelops.resources.configuration import SecretSource
from modelops.secrets.sealed import (
    SealedSecret,
    SecretChange,
    remembering,
    renamed,
    secret_changes,
    source_hash,
    unconsented,
)

OPENAI = "https://api.openai.com:443"
EVIL = "https://api.openai.co:443"
CIPHERTEXT = "ENC[AES256_GCM,data:QUJD,iv:QUJDREVG,tag:AAAAAAAAAAAAAAAAAAAAAA==,type:str]"
OTHER = "ENC[AES256_GCM,data:QUJE,iv:QUJDREVG,tag:AAAAAAAAAAAAAAAAAAAAAA==,type:str]"


def source(
    value: str = CIPHERTEXT,
    address: str = "provider/openai",
    origin: str = OPENAI,
    data_key: str = "1",
) -> SecretSource:
    return SecretSource(
        address=address,
        field="api_key",
        kind="sops",
        value=value,
        origin=origin,
        file="providers.d/openai.yaml",
        data_key_sha256=data_key,
    )


def reference(name: str, address: str, origin: str) -> SecretSource:
    return SecretSource(
        address=address, field="api_key", kind="env", value=name, origin=origin, file="f"
    )


def row(of: SecretSource, deleted_at: int | None = None) -> SealedSecret:
    return SealedSecret(
        address=of.address,
        field=of.field,
        kind=of.kind,
        source_sha256=source_hash(of),
        data_key_sha256=of.data_key_sha256,
        origin=of.origin,
        blob="ms1...",
        updated_at=1,
        deleted_at=deleted_at,
    )


def only(old: list[SealedSecret], new: SecretSource) -> SecretChange:
    (change,) = (change for change in secret_changes(old, [new]) if change.action != "gone")
    return change


def test_actions() -> None:
    assert only([], source()).action == "new"
    assert only([row(source())], source()).action == "unchanged"
    assert only([row(source())], source(OTHER)).action == "changed"
    assert only([row(source())], source(OTHER, data_key="2")).action == "re-encrypted"
    assert only([row(source())], reference("X", "provider/openai", OPENAI)).action == "changed"
    assert only([row(source(), deleted_at=5)], source()).action == "new"
    (gone,) = secret_changes([row(source())], [])
    assert (gone.action, gone.address) == ("gone", "provider/openai")
    assert secret_changes([row(source(), deleted_at=5)], []) == ()


def test_what_moved_is_compared_with_what_it_was() -> None:
    moved = {"provider/open": "provider/openai"}
    rows = [row(source()), row(source(OTHER), deleted_at=5)]
    there = source(address="provider/open")
    assert only(rows, there).action == "new"
    assert [change.action for change in secret_changes(renamed(rows, moved), [there])] == [
        "unchanged"
    ]
    assert renamed(rows, moved)[1] == rows[1]


def test_updatekeys_changes_nothing() -> None:
    assert only([row(source())], source(data_key="2")).action == "unchanged"


def test_redirected_provider_needs_consent() -> None:
    change = only([row(source())], source(origin=EVIL))
    assert (change.action, change.old_origin) == ("origin changed", OPENAI)
    assert unconsented([change], []) == (change,)
    assert unconsented([change], ["provider/openai"]) == ()
    assert unconsented([change], ["provider/other"]) == (change,)


def test_new_key_at_a_new_origin_needs_none() -> None:
    change = only([row(source())], source(OTHER, origin=EVIL))
    assert (change.action, change.old_origin) == ("changed", OPENAI)
    assert unconsented([change], []) == ()


@pytest.mark.parametrize(
    "copy",
    [
        CIPHERTEXT,
        CIPHERTEXT.replace("data:QUJD", "data:QUJD").replace("type:str", "type:bytes"),
        CIPHERTEXT.replace("AAAAAA==", "AAAAAB=="),  # other spare bits, the same bytes
    ],
)
def test_ciphertext_copied_to_another_provider(copy: str) -> None:
    known = source()
    change = next(
        change
        for change in secret_changes(
            [row(known)], [known, source(copy, address="provider/evil", origin=EVIL)]
        )
        if change.address == "provider/evil"
    )
    assert (change.action, change.copied_from) == ("new", "provider/openai")
    assert unconsented([change], []) == (change,)


def test_copy_of_a_deleted_providers_ciphertext() -> None:
    change = only([row(source(), deleted_at=5)], source(address="provider/evil", origin=EVIL))
    assert change.copied_from == "provider/openai"


def test_copy_of_a_ciphertext_that_was_replaced() -> None:
    second = remembering(row(source(OTHER)), row(source()))
    third = remembering(row(reference("X", "provider/openai", OPENAI)), second)
    assert third.replaced.count("\n") == 1
    for standing in (second, third):
        stolen = only([standing], source(address="provider/evil", origin=EVIL))
        assert stolen.copied_from == "provider/openai"
        assert only([standing], source()).copied_from == ""  # back where it was: a revert


def test_origin_that_was_left_is_no_longer_a_known_one() -> None:
    moved = remembering(row(source(origin=EVIL)), row(source()))
    assert only([moved], source()).copied_from == "provider/openai"


@given(st.lists(st.sampled_from([(CIPHERTEXT, OPENAI), (OTHER, OPENAI), (CIPHERTEXT, EVIL)])))
def test_nothing_that_ever_stood_is_forgotten(history: list[tuple[str, str]]) -> None:
    standing: SealedSecret | None = None
    for value, origin in history:
        standing = remembering(row(source(value, origin=origin)), standing)
    for value, _ in history:
        assert standing is not None
        assert only([standing], source(value, "provider/new", "https://new:443")).copied_from


def test_reference_taken_to_another_origin() -> None:
    known = reference("MODELOPS_SECRET_OPENAI", "provider/openai", OPENAI)
    stolen = reference("MODELOPS_SECRET_OPENAI", "provider/evil", EVIL)
    shared = reference("MODELOPS_SECRET_OPENAI", "provider/openai-eu", OPENAI)
    changes = {c.address: c for c in secret_changes([row(known)], [known, stolen, shared])}
    assert changes["provider/evil"].copied_from == "provider/openai"
    assert changes["provider/openai-eu"].copied_from == ""
    assert changes["provider/openai"].action == "unchanged"


def test_same_name_as_variable_and_as_file_is_not_the_same() -> None:
    env = reference("A", "provider/openai", OPENAI)
    assert source_hash(env) != source_hash(
        SecretSource(
            address=env.address, field="api_key", kind="file", value="A", origin=OPENAI, file="f"
        )
    )
