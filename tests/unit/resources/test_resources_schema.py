"""The JSON Schemas: valid, strict, current, and of one mind with the loader."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
import yaml

from modelops.resources import schema

ROOT = Path(__file__).parents[3]
FOLDERS = {"providers.d": "provider", "chains.d": "chain", "agents.d": "agent", "": "settings"}


def text(name: str) -> str:
    """Return a schema as `modelops schema` writes it."""
    content = msgspec.json.encode(schema.schema(name))
    return msgspec.json.format(content, indent=2).decode() + "\n"


def every_object(node: Any) -> list[dict[str, Any]]:
    """Return every part of a schema that describes a mapping."""
    found = [node] if isinstance(node, dict) and "properties" in node else []
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    for child in children:
        found += every_object(child)
    return found


@pytest.mark.parametrize("name", schema.STRUCTS)
def test_a_schema_is_valid_and_allows_nothing_additional(name: str) -> None:
    document = schema.schema(name)
    jsonschema.Draft202012Validator.check_schema(document)
    assert document["$schema"] == schema.DIALECT
    assert document["description"]
    parts = every_object(document)
    assert parts
    assert all(part["additionalProperties"] is False for part in parts)


@pytest.mark.parametrize("name", schema.STRUCTS)
def test_the_files_of_this_repository_are_current(name: str) -> None:
    path = ROOT / "schema" / f"{name}.schema.json"
    assert path.read_text(encoding="utf-8") == text(name), "run `modelops schema --write`"


@pytest.mark.parametrize("name", schema.STRUCTS)
def test_decimals_are_numbers_and_no_default_is_null(name: str) -> None:
    content = text(name)
    assert '"decimal"' not in content
    assert '"default": null' not in content
    assert "(?!" not in content


@pytest.mark.parametrize("case", ["minimal", "two-targets", "full"])
def test_editors_accept_what_the_loader_accepts(case: str) -> None:
    folder = ROOT / "tests" / "fixtures" / "config" / case
    files = [path for path in folder.rglob("*.y*ml") if not path.name.startswith(".")]
    assert files
    for path in files:
        kind = FOLDERS[path.relative_to(folder).parts[0] if path.parent != folder else ""]
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
        jsonschema.validate(data, schema.schema(kind), jsonschema.Draft202012Validator)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("provider", {"provider": "Upper"}),
        ("provider", {"provider": "a", "api_key": "hunter2"}),
        ("provider", {"provider": "a", "unknown": 1}),
        ("provider", {"provider": "a", "models": [{"model": "b", "price": {"input": "3"}}]}),
        ("provider", {"provider": "a", "models": [{"model": "b", "price": {"input": -1}}]}),
        ("chain", {"chain": "a", "targets": []}),
        ("chain", {"chain": "a", "targets": [{"model": "b"}]}),
        ("agent", {"agent": "a", "allow": ["everything"]}),
        ("settings", {"config": "a", "form": 2}),
    ],
)
def test_editors_refuse_what_the_loader_refuses(name: str, data: dict[str, object]) -> None:
    errors = list(jsonschema.Draft202012Validator(schema.schema(name)).iter_errors(data))
    assert errors


def test_every_field_says_what_it_is() -> None:
    silent = [
        f"{name}.{field}"
        for name in schema.STRUCTS
        for part in every_object(schema.schema(name))
        for field, node in part["properties"].items()
        if not {"description", "$ref", "items"} & set(node)
    ]
    assert silent == []
