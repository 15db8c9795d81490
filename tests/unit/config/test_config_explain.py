"""The explanations agree with the judge, and nothing that a file holds makes them stumble."""

from __future__ import annotations

import copy
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from config_support import NOW, VALID, look
from hypothesis import given, settings
from hypothesis import strategies as st

from modelops.config import yaml
from modelops.config.declaration import STRUCTS
from modelops.config.document import Document
from modelops.config.explain import explain, show_path
from modelops.config.load import inspect
from modelops.resources.addresses import Kind

FULL = Path(__file__).parents[2] / "fixtures" / "config" / "full"
FILES: dict[Kind, str] = {
    "config": "modelops.yaml",
    "provider": "providers.d/anthropic.yaml",
    "chain": "chains.d/production.yaml",
    "agent": "agents.d/research-agent.yaml",
}

leaves: st.SearchStrategy[object] = st.sampled_from(
    [None, True, 0, 1, -1, 10**17, Decimal("0.5"), "", "x", "A b", "30s", "tools", "chat", [], {}]
)


def accepted(document: Document, kind: Kind) -> bool:
    try:
        msgspec.convert(document.data, STRUCTS[kind])
    except msgspec.ValidationError:
        return False
    return True


def places(data: Any) -> list[tuple[Any, Any]]:
    """Return every container in some data with each of its keys or indexes."""
    found = []
    steps = data if isinstance(data, dict) else range(len(data)) if isinstance(data, list) else ()
    for step in steps:
        found.append((data, step))
        found += places(data[step])
    return found


@pytest.mark.parametrize("kind", FILES)
@settings(max_examples=150)
@given(draw=st.data())
def test_what_is_refused_is_explained_and_what_is_accepted_is_not(
    kind: Kind, draw: st.DataObject
) -> None:
    document = yaml.load((FULL / FILES[kind]).read_bytes(), FILES[kind])
    assert explain(document, STRUCTS[kind]) == ()
    data = copy.deepcopy(document.data)
    for _ in range(draw.draw(st.integers(1, 3))):
        container, step = draw.draw(st.sampled_from(places(data)))
        match draw.draw(st.sampled_from(["replace", "remove", "misspell"])):
            case "replace":
                container[step] = draw.draw(leaves)
            case "remove":
                del container[step]
            case _ if isinstance(container, dict):
                container[f"{step}x"] = container.pop(step)
        if not places(data):
            break
    document.data = data
    explained = explain(document, STRUCTS[kind])
    if accepted(document, kind):
        # msgspec reads numbers from text; a check of its own refuses those
        assert all(found.message.endswith("expected a number, got a string") for found in explained)
    else:
        assert explained


@settings(max_examples=60)
@given(
    name=st.sampled_from(list(FILES.values())),
    start=st.integers(0, 2000),
    length=st.integers(0, 40),
    replacement=st.binary(max_size=12)
    | st.sampled_from([b": ", b"- ", b"\n", b"{", b"]", b"'", b"&a ", b"*a", b"!!x ", b"null"]),
)
def test_no_damage_to_a_file_is_more_than_a_diagnostic(
    tmp_path: Path, name: str, start: int, length: int, replacement: bytes
) -> None:
    for file in FILES.values():
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_bytes((FULL / file).read_bytes())
    raw = (FULL / name).read_bytes()
    (tmp_path / name).write_bytes(raw[:start] + replacement + raw[start + length :])
    diagnostics = inspect(tmp_path, now=NOW).diagnostics
    assert list(diagnostics) == sorted(diagnostics, key=lambda found: found.position)
    assert all(found.message and "\n" not in str(found) for found in diagnostics)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "base_url: ",
            "base_ulr: ",
            "unknown field base_ulr (did you mean 'base_url'?)",
        ),
        (
            "price: {input: 1, output: 2}",
            "price: {inptu: 1, output: 2}",
            "unknown field models[0].price.inptu (did you mean 'input'?)",
        ),
        (
            "price: {input: 1, output: 2}",
            "price: {output: 2}",
            "missing field 'models[0].price.input' (USD per million tokens, exact.)",
        ),
        (
            "max_output_tokens: 4096",
            "max_output_tokens: 4096.0",
            "models[0].max_output_tokens: expected a whole number, got a number with a fraction",
        ),
        (
            "{env: MODELOPS_SECRET_ALPHA}",
            "{env: MODELOPS_SECRET_ALPHA, file: x}",
            "api_key: write exactly one of 'env' and 'file'",
        ),
        (
            "{env: MODELOPS_SECRET_ALPHA}",
            "5",
            "api_key: expected SOPS ciphertext or {env: ..., file: ...}, got a whole number",
        ),
        (
            "{env: MODELOPS_SECRET_ALPHA}",
            "{env: DATABASE_URL}",
            "api_key.env: the value (hidden) is not the name of a variable MODELOPS_SECRET_...",
        ),
    ],
)
def test_messages(old: str, new: str, message: str, tmp_path: Path) -> None:
    file = "providers.d/alpha.yaml"
    assert old in VALID[file]
    (diagnostic,) = look(tmp_path, {file: VALID[file].replace(old, new)}).diagnostics
    assert str(diagnostic).partition(": ")[2] == message


def test_a_required_field_that_is_misspelt_is_one_message(tmp_path: Path) -> None:
    files = {"agents.d/dev.yaml": "agnet: dev\n"}
    assert [str(found) for found in look(tmp_path, files).diagnostics] == [
        "agents.d/dev.yaml:1:1: unknown field agnet (did you mean 'agent'?)"
    ]


def test_paths_are_shown_as_people_write_them() -> None:
    assert show_path(("models", 0, "price", "input")) == "models[0].price.input"
    assert show_path(()) == ""


def test_what_takes_no_room_is_spelled_out() -> None:
    document = yaml.load(b'agent: "a\\u200bb"\n', "agents.d/a.yaml")
    (problem,) = explain(document, STRUCTS["agent"])
    assert "a\\u200bb" in problem.message
