"""Prices: canonical Decimals and what can be one."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelops.config import prices

decimals = st.decimals(min_value=0, max_value=10**6, allow_nan=False, places=8)


@given(decimals)
def test_canonical_is_equal_and_has_one_spelling(value: Decimal) -> None:
    canonical = prices.canonical(value)
    assert canonical == value
    assert str(canonical) == str(prices.canonical(value * Decimal("1.000")))
    assert "E+" not in str(canonical)


def test_canonical_zero_has_no_sign() -> None:
    assert str(prices.canonical(Decimal("-0.00"))) == "0"


@pytest.mark.parametrize("text", ["NaN", "sNaN", "Infinity", "1E+999999999", "1E-999999999"])
def test_what_cannot_be_written_out_is_left_alone_and_out_of_range(text: str) -> None:
    value = Decimal(text)
    assert prices.canonical(value) is value
    assert not prices.in_range(value)


@pytest.mark.parametrize(
    ("text", "within"),
    [
        ("0", True),
        ("1000000", True),
        ("0.000000000001", True),
        ("1000000.01", False),
        ("-0.01", False),
        ("0.0000000000001", False),
    ],
)
def test_the_bounds_of_a_price(text: str, within: bool) -> None:
    assert prices.in_range(Decimal(text)) is within
