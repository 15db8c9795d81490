"""What is written as YAML is read back as the same, by the strict loader and by PyYAML."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
import yaml as pyyaml
from hypothesis import given
from hypothesis import strategies as st

from modelops.config import yaml
from modelops.config.emit import emit

TEXT = st.text(max_size=20) | st.sampled_from(
    [
        "yes",
        "no",
        "null",
        "~",
        "1e3",
        "0x1F",
        "12:30",
        "2027-01-01",
        "a: b",
        "# a",
        "- a",
        "*",
        " a ",
    ]
)
NAMES = st.sampled_from(["a", "label.name", "on", "z-1"])
SCALARS = (
    TEXT.filter(str.isprintable)
    | st.booleans()
    | st.integers(-(10**12), 10**12)
    | st.decimals("0", "1000000", places=6)
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(SCALARS, max_size=3)
        | st.lists(st.dictionaries(NAMES, inner, min_size=1, max_size=3), max_size=3)
        | st.dictionaries(NAMES, inner, max_size=3)
    ),
    max_leaves=12,
)


@given(st.dictionaries(NAMES, VALUES, min_size=1, max_size=4))
def test_the_strict_loader_reads_back_what_it_could_have_read(mapping: dict[str, Any]) -> None:
    document = yaml.load(emit(mapping).encode(), "made.yaml")
    assert document.diagnostics == []
    assert document.data == mapping


@given(st.dictionaries(NAMES, TEXT, min_size=1))
def test_other_parsers_read_the_same_text(mapping: dict[str, str]) -> None:
    assert pyyaml.safe_load(emit(mapping)) == mapping


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("openai/gpt-4o", "openai/gpt-4o"),
        ("30s", "30s"),
        ("https://api.openai.com/v1", "https://api.openai.com/v1"),
        ("2027-06-30", '"2027-06-30"'),
        ("yes", '"yes"'),
        ("model/openai/*", '"model/openai/*"'),
        ("", '""'),
        ("\u2028\x00\U000e0001", '"\\u2028\\u0000\\U000e0001"'),
        (Decimal("1E+2"), "100"),
        (True, "true"),
        ([], "[]"),
        ({}, "{}"),
    ],
)
def test_values_look_as_people_write_them(value: Any, text: str) -> None:
    assert emit({"key": value}) == f"key: {text}\n"


def test_what_does_not_fit_a_line_goes_on_several() -> None:
    models: list[Any] = [{"model": "m", "price": {"input": Decimal(3)}, "note": "x " * 40 + "y"}]
    assert emit({"models": models}).splitlines() == [
        "models:",
        "  - model: m",
        "    price: {input: 3}",
        f"    note: {'x ' * 40}y",
    ]
