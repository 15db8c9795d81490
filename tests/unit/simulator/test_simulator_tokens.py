"""The tokenizer: nothing lost, countable by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelops.simulator import tokens


@given(st.text())
def test_the_tokens_of_a_text_join_to_the_text(text: str) -> None:
    assert "".join(tokens.split(text)) == text
    assert tokens.count(text) == len(tokens.split(text))


@pytest.mark.parametrize(
    ("text", "count"),
    [("", 0), ("Hi there, you.", 5), ("  ", 1), ("a_1 b", 2), ("a b \n", 3), ("日本 !", 2)],
)
def test_tokens_are_words_and_signs(text: str, count: int) -> None:
    assert tokens.count(text) == count
