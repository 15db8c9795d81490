from __future__ import annotations

import base64

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelops.secrets import identities
from modelops.secrets.errors import NoKeyError, SecretError, TamperedError
from modelops.secrets.seal import Binding, key_id, seal, unseal
from modelops.secrets.secret import Secret

SERVER = identities.generate()
OTHER = identities.generate()
VALUE = "sk-canary-0123456789"
HERE = Binding(
    config="acme-llm",
    environment="production",
    address="provider/openai",
    field="api_key",
    origin="https://api.openai.com:443",
)


def sealed(value: str = VALUE, binding: Binding = HERE) -> str:
    return seal(Secret(value), binding, [SERVER.recipient])


SEALED = sealed()


@given(st.text(max_size=300))
@settings(max_examples=50)
def test_round_trip(value: str) -> None:
    assert unseal(sealed(value), HERE, [SERVER]).reveal() == value


def test_whoever_seals_cannot_read_back() -> None:
    with pytest.raises(NoKeyError, match=key_id(SERVER.recipient)) as caught:
        unseal(sealed(), HERE, [OTHER])
    assert key_id(OTHER.recipient) in str(caught.value)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("address", "provider/evil"),  # a row swapped or moved
        ("field", "credentials[openai].api_key"),
        ("origin", "https://api.openai.co:443"),  # redirected
        ("origin", "http://api.openai.com:80"),  # downgraded
        ("environment", "staging"),
        ("config", "another"),
    ],
)
def test_seal_opens_nowhere_else(field: str, value: str) -> None:
    elsewhere = msgspec.structs.replace(HERE, **{field: value})
    with pytest.raises(TamperedError, match=field) as caught:
        unseal(sealed(), elsewhere, [SERVER])
    assert VALUE not in str(caught.value)


def test_two_recipients_during_a_rotation() -> None:
    blob = seal(Secret(VALUE), HERE, [SERVER.recipient, OTHER.recipient])
    assert unseal(blob, HERE, [SERVER]).reveal() == VALUE
    assert unseal(blob, HERE, [OTHER]).reveal() == VALUE
    assert unseal(sealed(), HERE, [OTHER, SERVER]).reveal() == VALUE


def test_length_of_the_value_is_hidden() -> None:
    lengths = set()
    for size in range(40, 60):
        encoded = sealed("k" * size).rpartition(".")[2]
        lengths.add(len(identities.decrypt(base64.urlsafe_b64decode(encoded), [SERVER])))
    assert len(lengths) <= 2  # one step of padding may fall between
    assert all(length % 64 == 0 for length in lengths)


@pytest.mark.parametrize("recipients", [[], ["age1nonsense"], ["ssh-ed25519 AAAA"]])
def test_recipients_are_checked(recipients: list[str]) -> None:
    with pytest.raises(SecretError, match="recipient") as caught:
        seal(Secret(VALUE), HERE, recipients)
    assert VALUE not in str(caught.value) + caught.value.hint


@pytest.mark.parametrize("blob", ["", "ms1", "ms1.a", "ms1.a.b.c", "ms1.a.!!", VALUE])
def test_what_is_no_seal(blob: str) -> None:
    with pytest.raises(SecretError) as caught:
        unseal(blob, HERE, [SERVER])
    assert VALUE not in str(caught.value)


def test_newer_form_says_so() -> None:
    with pytest.raises(SecretError, match="ms2"):
        unseal("ms2" + sealed()[3:], HERE, [SERVER])


def test_foreign_age_file_is_no_seal() -> None:
    content = base64.urlsafe_b64encode(
        identities.encrypt(VALUE.encode(), [SERVER.recipient])
    ).decode()
    with pytest.raises(TamperedError):
        unseal(f"ms1.x.{content}", HERE, [SERVER])


@given(st.data())
@settings(max_examples=100)
def test_no_flipped_bit_passes(data: st.DataObject) -> None:
    form, ids, encoded = SEALED.split(".")
    raw = bytearray(base64.urlsafe_b64decode(encoded))
    position = data.draw(st.integers(0, len(raw) - 1))
    raw[position] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(SecretError):
        unseal(f"{form}.{ids}.{base64.urlsafe_b64encode(raw).decode()}", HERE, [SERVER])
