"""What looks like a key is found wherever it stands, and only by its marks."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from modelops.config.key_shapes import KEY, MARKS, hidden, keys


@given(st.from_regex(KEY))
def test_every_key_has_a_mark(text: str) -> None:
    assert any(mark in text for mark in MARKS)
    assert list(map(str, keys(text))) == list(map(str, KEY.finditer(text)))


@given(st.from_regex(KEY))
def test_no_key_is_left_in_what_is_shown(text: str) -> None:
    assert KEY.search(hidden(text)) is None
