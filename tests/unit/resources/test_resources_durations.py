"""Durations: text to milliseconds and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelops.resources import durations


@pytest.mark.parametrize(
    ("text", "value"), [("500ms", 500), ("30s", 30_000), ("10m", 600_000), ("1h", 3_600_000)]
)
def test_units(text: str, value: int) -> None:
    assert durations.milliseconds(text) == value
    assert durations.show(value) == text


@pytest.mark.parametrize("text", ["", "30", "s", "-1s", "1.5s", "30s\n", " 30s", "1d", "٣s"])
def test_anything_else_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        durations.milliseconds(text)


@given(st.integers(0, 10**9))
def test_what_is_shown_reads_back(value: int) -> None:
    assert durations.milliseconds(durations.show(value)) == value
