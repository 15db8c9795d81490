from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelops.secrets.errors import SecretError, UnusualError
from modelops.secrets.sops.ciphertext import ciphertext_bytes, is_comment, is_encrypted
from modelops.secrets.sops.metadata import age_recipients, key_types, read_metadata
from modelops.secrets.sops.reader import leaves
from modelops.secrets.sops.selection import selects
from modelops.secrets.sops.values import additional_data, check_formatted, plain_bytes

ENC = "ENC[AES256_GCM,data:QUJD,iv:QUJDREVG,tag:AAAAAAAAAAAAAAAAAAAAAA==,type:str]"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (True, b"True"),
        (False, b"False"),
        ("é", "é".encode()),
        (7, b"7"),
        (-(2**63), b"-9223372036854775808"),
        (1.0, b"1"),
        (0.1, b"0.1"),
        (Decimal("2.50"), b"2.5"),
        (1e21, b"1000000000000000000000"),
        (1.5e-7, b"0.00000015"),
    ],
)
def test_bytes_as_sops_hashes_them(
    value: str | bool | int | float | Decimal, expected: bytes
) -> None:
    assert plain_bytes(value) == expected


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1, float("inf"), float("nan"), -0.0])
def test_values_left_to_the_program(value: float) -> None:
    with pytest.raises(UnusualError):
        plain_bytes(value)


@given(st.floats(allow_nan=False, allow_infinity=False).filter(lambda value: value != 0))
def test_float_bytes_are_short_exact_and_without_exponent(value: float) -> None:
    text = plain_bytes(value).decode()
    assert "e" not in text
    assert float(text) == value


@pytest.mark.parametrize(
    ("plaintext", "kind"),
    [("sk", "str"), ("007", "str"), ("7", "int"), ("0.5", "float"), ("True", "bool")],
)
def test_formatted_as_sops_would(plaintext: str, kind: str) -> None:
    check_formatted(plaintext, kind)


@pytest.mark.parametrize(
    ("plaintext", "kind"),
    [("007", "int"), ("sk", "int"), ("1.0", "float"), ("true", "bool"), ("x", "bytes"), ("x", "")],
)
def test_type_that_does_not_fit(plaintext: str, kind: str) -> None:
    with pytest.raises(UnusualError):
        check_formatted(plaintext, kind)


@pytest.mark.parametrize(
    "text",
    ["", "sk-x", ENC + " ", "x" + ENC, ENC.replace("==", ""), ENC.replace("QUJD,", "QU\nJD,"), 7],
)
def test_what_is_no_ciphertext(text: object) -> None:
    assert not is_encrypted(text)


def test_ciphertext_is_known_by_its_bytes() -> None:
    assert is_encrypted(ENC)
    assert not is_comment(ENC)
    assert is_comment(ENC.replace("type:str", "type:comment"))
    respelled = ENC.replace("AAA==", "AAB==").replace("type:str", "type:int")
    assert respelled != ENC
    assert ciphertext_bytes(respelled) == ciphertext_bytes(ENC)
    assert ciphertext_bytes(ENC.replace("QUJD,", "QUJE,")) != ciphertext_bytes(ENC)
    assert ciphertext_bytes("none") == b"none"


def test_path_is_keys_with_colons() -> None:
    assert additional_data(("credentials", "api_key")) == "credentials:api_key:"


def test_leaves_come_in_order_with_the_keys_above_them() -> None:
    tree = {"a": [1, {"b": None}, [2]], "c": {"d": "x"}, "e": {}, "f": []}
    assert list(leaves(tree)) == [
        (("a",), 1),
        (("a", "b"), None),
        (("a",), 2),
        (("c", "d"), "x"),
    ]


@pytest.mark.parametrize(
    ("rule", "path", "expected"),
    [
        ({"encrypted_regex": "^api_key$"}, ["api_key"], True),
        ({"encrypted_regex": "^api_key$"}, ["credentials", "api_key"], True),
        ({"encrypted_regex": "^api_key$"}, ["api_keys"], False),
        ({"encrypted_regex": "key"}, ["api_keys", "x"], True),
        ({"unencrypted_regex": "^models$"}, ["models", "price"], False),
        ({"unencrypted_regex": "^models$"}, ["api_key"], True),
        ({"encrypted_suffix": "_key"}, ["api_key"], True),
        ({"unencrypted_suffix": "_plain"}, ["a_plain", "b"], False),
        ({}, ["api_key"], True),
        ({}, ["a_unencrypted"], False),
    ],
)
def test_rules_of_selection(rule: dict[str, str], path: list[str], expected: bool) -> None:
    assert selects(rule, path) is expected


def test_rules_that_are_not_judged_here() -> None:
    for regex in ("(a+)+$", r"\d", "[a-z]", "a{2}", "x" * 501, "("):
        with pytest.raises(UnusualError):
            selects({"encrypted_regex": regex}, ["a"])
    with pytest.raises(UnusualError):
        selects({"encrypted_comment_regex": "sops"}, ["a"])
    with pytest.raises(SecretError, match="more than one"):
        selects({"encrypted_regex": "a", "encrypted_suffix": "b"}, ["a"])


def test_metadata() -> None:
    block = {
        "age": [{"recipient": "age1x", "enc": "y"}],
        "mac": "m",
        "lastmodified": "l",
        "pgp": [],
    }
    assert read_metadata(block).age is not None
    assert key_types(block) == ("age",)
    assert age_recipients({"key_groups": [block, {"age": None}]}) == ("age1x",)
    with pytest.raises(UnusualError):
        read_metadata({**block, "new": 1})
    with pytest.raises(UnusualError):
        read_metadata({**block, "age": [{"recipient": "age1x", "enc": 1}]})
    for name in ("mac", "lastmodified"):
        with pytest.raises(SecretError, match=name):
            read_metadata({**block, name: ""})
