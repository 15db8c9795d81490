"""Values that fit a schema, judged by jsonschema."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from modelops.simulator.instances import instance

PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string", "minLength": 8}, "age": {"type": "integer"}},
    "required": ["name"],
    "additionalProperties": False,
}

SCHEMAS: list[dict[str, Any]] = [
    {"type": "string"},
    {"type": "string", "maxLength": 2},
    {"type": "string", "format": "date-time"},
    {"type": "integer", "minimum": 5, "maximum": 6},
    {"type": "integer", "exclusiveMinimum": 5},
    {"type": "number", "maximum": -3},
    {"type": "number", "multipleOf": 7},
    {"type": ["null", "string"]},
    {"type": "boolean"},
    {"type": "null"},
    {"enum": ["red", "green"]},
    {"const": 42},
    {"type": "array", "items": {"type": "integer"}, "minItems": 3},
    {"type": "array", "items": {"type": "integer"}, "maxItems": 0},
    {"anyOf": [{"type": "null"}, {"type": "integer"}]},
    {"oneOf": [PERSON]},
    {"allOf": [PERSON, {"properties": {"city": {"type": "string"}}, "required": ["city"]}]}
    | {"additionalProperties": True},
    PERSON,
    {"type": "object"},
    {"type": "object", "properties": {"who": {"$ref": "#/$defs/p"}}, "$defs": {"p": PERSON}},
    {"properties": {"list": {"items": {"$ref": "#/properties/leaf"}}, "leaf": {"const": 1}}},
]


@pytest.mark.parametrize("schema", SCHEMAS, ids=str)
def test_an_instance_fits_its_schema(schema: dict[str, Any]) -> None:
    if "allOf" in schema:
        schema = {**schema, "allOf": [{**PERSON, "additionalProperties": True}, schema["allOf"][1]]}
    jsonschema.validate(instance(schema), schema)


def test_every_property_is_filled_in() -> None:
    assert instance(PERSON) == {"name": "textxxxx", "age": 1}


def test_gemini_writes_types_in_upper_case() -> None:
    schema = {"type": "OBJECT", "properties": {"n": {"type": "INTEGER"}}}
    assert instance(schema) == {"n": 1}


def test_a_schema_that_contains_itself_ends() -> None:
    node: dict[str, Any] = {
        "$ref": "#/$defs/node",
        "$defs": {
            "node": {
                "type": "object",
                "properties": {"next": {"$ref": "#/$defs/node"}, "value": {"type": "integer"}},
                "required": ["value"],
            }
        },
    }
    jsonschema.validate(instance(node), node)
