"""Prices: canonical Decimals, what can be one, and hours that cannot be."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from config_support import look
from hypothesis import given
from hypothesis import strategies as st
from marked_files import alpha

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


@pytest.mark.parametrize(
    ("second", "said", "hint"),
    [
        ('to: "01:00"', "01:00 to 01:00 is empty", "a whole day is"),
        ('to: "02:00"', "01:00 to 02:00 overlaps with one before", "leave no minute"),
        (
            'to: "02:00", days: [sat]',
            "01:00 to 02:00 begins at the same time as one before",
            "write one entry",
        ),
    ],
)
def test_what_is_wrong_with_hours_is_told_apart(
    second: str, said: str, hint: str, tmp_path: Path
) -> None:
    hours = (
        'hours: [{from: "01:00", to: "04:00", days: [mon, tue], input: 1, output: 1},'
        f' {{from: "01:00", {second}, input: 1, output: 1}}]'
    )
    (diagnostic,) = look(tmp_path, alpha("output: 2}", f"output: 2, {hours}}}")).diagnostics
    assert diagnostic.message == said
    assert diagnostic.hint.startswith(hint)
