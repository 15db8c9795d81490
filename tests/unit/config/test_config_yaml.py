"""The loader: what it reads, where it says that things stand, what it refuses."""

from __future__ import annotations

import subprocess
import sys
from decimal import Decimal

import pytest
import yaml as pyyaml
from hypothesis import given, settings
from hypothesis import strategies as st

from modelops.config import yaml
from modelops.config.document import Document
from modelops.resources.configuration import Position


def load(content: str) -> Document:
    return yaml.load(content.encode(), "a.yaml")


def problems(content: str) -> list[str]:
    return [f"{found.rule} {found.position}" for found in load(content).diagnostics]


def test_plain_data_with_decimals() -> None:
    document = load("a: 1\nb: [x, 'no', 0.30]\nc: {d: true, e: null}\nf: |\n  text\n")
    assert document.diagnostics == []
    assert document.complete
    assert document.data == {
        "a": 1,
        "b": ["x", "no", Decimal("0.30")],
        "c": {"d": True, "e": None},
        "f": "text\n",
    }


def test_every_value_has_a_place() -> None:
    document = load("a: 1\nmödels:\n  - model: x\n    price: {input: 3}\n  - é中🙂: y\n")
    assert document.position(("a",)) == Position("a.yaml", 1, 4)
    assert document.position(("a",), key=True) == Position("a.yaml", 1, 1)
    assert document.position(("mödels", 0, "price", "input")) == Position("a.yaml", 4, 20)
    assert document.position(("mödels", 0, "price"), key=True) == Position("a.yaml", 4, 5)
    assert document.position(("mödels", 1, "é中🙂")) == Position("a.yaml", 5, 10)


def test_a_missing_value_has_the_place_of_what_it_is_missing_from() -> None:
    document = load("a:\n  b: 1\n")
    assert document.position(("a", "c")) == Position("a.yaml", 2, 3)
    assert document.position(("a", "b", "c", 5)) == Position("a.yaml", 2, 6)
    assert document.has(("a", "b"))
    assert not document.has(("a", "c"))
    assert not document.has(("a", "b", "c"))


def test_crlf_positions_are_those_of_lf() -> None:
    document = load("a: 1\r\nb:\r\n  c: 2\r\n")
    assert document.data == {"a": 1, "b": {"c": 2}}
    assert document.position(("b", "c")) == Position("a.yaml", 3, 6)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("a: 1\nb: 2\na: 3\n", ["yaml-duplicate-key a.yaml:3:1"]),
        ("a: &x 1\nb: *x\n", ["yaml-anchor a.yaml:1:4", "yaml-anchor a.yaml:2:4"]),
        ("a: &x {b: 1}\n", ["yaml-anchor a.yaml:1:4"]),
        ("<<: {a: 1}\n", ["yaml-anchor a.yaml:1:1"]),
        ("a: !!int 3\nb: !x y\n", ["yaml-tag a.yaml:1:4", "yaml-tag a.yaml:2:4"]),
        ("a: ! 3\n", ["yaml-tag a.yaml:1:4"]),
        ("a: !!python/object:os.system {}\n", ["yaml-tag a.yaml:1:4"]),
        ("a: yes\nb: 0777\n", ["yaml-ambiguous a.yaml:1:4", "yaml-ambiguous a.yaml:2:4"]),
        ("on: 1\n", ["yaml-ambiguous a.yaml:1:1"]),
        ("1: a\n", ["yaml-key a.yaml:1:1"]),
        ("[a]: b\n", ["yaml-key a.yaml:1:1"]),
        ("? {a: 1}\n: b\n", ["yaml-key a.yaml:1:3"]),
        ("a: 1\n---\nb: 2\n", ["yaml-documents a.yaml:2:1"]),
        ("", ["yaml-syntax a.yaml:1:1"]),
        ("# nothing\n", ["yaml-syntax a.yaml:1:1"]),
        ("a: [1\n", ["yaml-syntax a.yaml:2:1"]),
        ("a: 1\n\tb: 2\n", ["yaml-syntax a.yaml:2:1"]),
        ('a: "x\\u202ey"\n', ["control-character a.yaml:1:4"]),
        ("a: " + "[" * 100, ["yaml-too-deep a.yaml:1:67"]),
    ],
)
def test_what_is_refused_and_where(content: str, found: list[str]) -> None:
    assert problems(content) == found


def test_everything_wrong_is_found_in_one_run() -> None:
    content = "a: yes\na: &x 1\nb: *x\nc: !t 2\nd: 0x1F\n"
    assert [name.split()[0] for name in problems(content)] == [
        "yaml-ambiguous",
        "yaml-duplicate-key",
        "yaml-anchor",
        "yaml-anchor",
        "yaml-tag",
        "yaml-ambiguous",
    ]


def test_a_second_key_names_the_line_of_the_first() -> None:
    assert load("a: 1\nb: 2\na: 3\n").diagnostics[0].hint == "first written in line 1"


def test_too_many_values_are_refused() -> None:
    assert problems("[" + "1," * yaml.MAX_EVENTS + "]")[0].startswith("yaml-too-many")


def test_the_sops_block_is_split_off_and_kept() -> None:
    document = load("a: 1\nsops:\n  mac: x\n  age: []\n")
    assert document.data == {"a": 1}
    assert document.sops == {"mac": "x", "age": []}
    assert document.position(("sops",), key=True).line == 2


def test_a_field_called_sops_that_is_no_mapping_stays() -> None:
    assert load("sops: text\n").data == {"sops": "text"}


@pytest.mark.parametrize("opening", ["[", "{", "- ", "? ", "a: {"])
def test_100_kb_of_openings_do_not_take_the_process_down(opening: str) -> None:
    code = (
        "from modelops.config import yaml\n"
        f"found = yaml.load({opening!r}.encode() * 100_000, 'a.yaml').diagnostics\n"
        "print(len(found), found[0].rule)\n"
    )
    child = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=False
    )
    assert child.returncode == 0, child.stderr
    assert child.stdout.startswith("1 yaml-")


names = st.text(alphabet="abcxyz", min_size=1, max_size=4)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**17), 10**17) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=200)
@given(st.dictionaries(names, values, min_size=1, max_size=4))
def test_what_pyyaml_writes_is_read_back_or_refused(data: dict[str, object]) -> None:
    document = load(pyyaml.safe_dump(data, allow_unicode=True))
    if not document.diagnostics:
        assert document.data == data


@given(st.text(max_size=60))
def test_no_text_raises(content: str) -> None:
    document = load(content)
    assert document.complete or document.diagnostics


def test_a_tab_is_called_by_its_name() -> None:
    document = load("\ufeffa: \u00fc\r\nb:\r\n\tc: 1\r\n")
    assert [str(found) for found in document.diagnostics] == [
        "a.yaml:3:1: a tab cannot indent YAML (use spaces)"
    ]
