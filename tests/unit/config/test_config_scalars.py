"""Unquoted scalars: values on which parsers agree, and refusal of the others."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from modelops.config.scalars import AmbiguousError, Scalar, resolve

KINDS: dict[type, tuple[str, ...]] = {
    str: ("str", "value"),
    int: ("int",),
    Decimal: ("float",),
    bool: ("bool",),
    type(None): ("null",),
}
"""Names of YAML 1.1 tags by the type we read."""


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("~", None),
        ("null", None),
        ("true", True),
        ("False", False),
        ("0", 0),
        ("-12", -12),
        ("+5", 5),
        ("0.30", Decimal("0.30")),
        ("-1.5", Decimal("-1.5")),
        ("1.6777216e+07", Decimal(16777216)),
        ("1e-07", Decimal("0.0000001")),  # as SOPS writes 0.0000001
        ("gpt-4o", "gpt-4o"),
        ("3.11.0", "3.11.0"),
        ("-", "-"),
        (".", "."),
        ("...", "..."),
        ("30s", "30s"),
        ("age1abc", "age1abc"),
        ("noon", "noon"),
        ("truely", "truely"),
    ],
)
def test_values_on_which_parsers_agree(text: str, value: Scalar) -> None:
    result = resolve(text)
    assert result == value
    assert type(result) is type(value)


@pytest.mark.parametrize(
    "text",
    [
        *("yes", "No", "ON", "off", "y", "N"),
        *("0777", "0o17", "0x1F", "0b1", "1_000", "1_0.5"),
        *("12:30:45", "190:20:30", "1:30.5"),
        *("2027-06-30", "2027-06-30T10:00:00Z", "2027-6-3 10:00"),
        *("1e3", "1E10", "12e5", ".5", "5.", "-.5", "1.e3", ".5e1", "2.5e3"),
        *(".inf", "-.INF", ".nan", ".NaN"),
        *("12345678901234567890", "1e+999", "1.0e400"),
    ],
)
def test_values_on_which_parsers_differ_are_refused(text: str) -> None:
    with pytest.raises(AmbiguousError):
        resolve(text)


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=0, max_value=10**6, places=6))
def test_a_plain_decimal_keeps_every_digit(number: Decimal) -> None:
    value = resolve(f"{number:f}")
    assert isinstance(value, Decimal)
    assert value.as_tuple() == number.as_tuple()


@given(st.text(alphabet="0123456789+-._:eExobnaNTZ ", min_size=1, max_size=12))
def test_yaml_1_1_reads_the_same_type(text: str) -> None:
    text = text.strip()
    try:
        value = resolve(text)
    except AmbiguousError:
        return
    loader: Any = yaml.SafeLoader("")
    kind = loader.resolve(yaml.ScalarNode, text, (True, False)).rpartition(":")[2]
    if isinstance(value, Decimal) and "." not in text:
        assert kind == "str"  # 1e-07, the exception for what SOPS writes
    else:
        assert kind in KINDS[type(value)], text
