"""Bytes to text: other encodings and invisible characters are refused where they stand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelops.config import text
from modelops.resources.configuration import Diagnostic, Position


def refused(raw: bytes) -> Diagnostic:
    result = text.decode(raw, "a.yaml")
    assert isinstance(result, Diagnostic)
    return result


def test_a_byte_order_mark_of_utf8_is_dropped() -> None:
    assert text.decode(b"\xef\xbb\xbfa: 1\n", "a.yaml") == "a: 1\n"


def test_crlf_is_kept() -> None:
    assert text.decode(b"a: 1\r\nb: 2\r\n", "a.yaml") == "a: 1\r\nb: 2\r\n"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_other_encodings_are_named(encoding: str) -> None:
    found = refused("a: 1\n".encode(encoding))
    assert found.rule == "encoding"
    assert encoding.upper() in found.message
    assert found.hint == "save it as UTF-8"


def test_the_place_of_a_wrong_byte_counts_characters() -> None:
    found = refused("a: 1\nname: é中".encode() + b"\xff\n")
    assert found.position == Position("a.yaml", 2, 9)
    assert "0xff" in found.message


@pytest.mark.parametrize(
    "character", ["\x00", "\x1b", "\x7f", "\x85", "\u2028", "\u202e", "\u2066", "\ufeff", "\r"]
)
def test_what_cannot_be_seen_is_refused(character: str) -> None:
    found = refused(f"a: 1\nb: x{character}y\n".encode())
    assert found.rule == "control-character"
    assert found.position == Position("a.yaml", 2, 5)
    assert f"U+{ord(character):04X}" in found.message


def test_a_file_over_four_mebibytes_is_refused() -> None:
    assert refused(b"#" * (text.MAX_BYTES + 1)).rule == "file-too-large"
    assert isinstance(text.decode(b"#" * text.MAX_BYTES, "a.yaml"), str)


@given(st.binary(max_size=200))
def test_any_bytes_are_text_or_a_diagnostic(raw: bytes) -> None:
    result = text.decode(raw, "a.yaml")
    if isinstance(result, str):
        assert raw.removeprefix(b"\xef\xbb\xbf") == result.encode()
        assert not text.INVISIBLE.search(result)
