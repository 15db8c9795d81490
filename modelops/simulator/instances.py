"""A value that fits a JSON Schema: what the simulator gives as tool arguments and JSON answers.

Covers what callers of language models write: objects, arrays, enums, references, unions, bounds
and common formats, in the spelling of JSON Schema and in Gemini's upper case. A `pattern` is not
solved: the value then is plain text of the right length.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelops.simulator.wire import RequestError

FORMATS = {
    "date": "2026-01-31",
    "time": "12:00:00Z",
    "date-time": "2026-01-31T12:00:00Z",
    "duration": "P1D",
    "email": "someone@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
}
"""A value for each string format."""

MAX_DEPTH = 32
"""How deep a schema is followed; recursive ones end here with None."""


def instance(schema: Mapping[str, Any]) -> Any:
    """Return a value that fits a schema, the same one each time; RequestError if it is none."""
    try:
        return _value(schema, schema, 0)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        # A keyword whose value is of the wrong kind shows itself where it is used.
        raise RequestError(f"Invalid schema: {error}", code="invalid_json_schema") from error


def _value(schema: Any, root: Mapping[str, Any], depth: int) -> Any:
    if not isinstance(schema, Mapping) or depth > MAX_DEPTH:
        return None
    if "$ref" in schema:
        return _value(_resolve(schema["$ref"], root), root, depth + 1)
    for keyword in ("const", "default"):
        if keyword in schema:
            return schema[keyword]
    if schema.get("enum"):
        return schema["enum"][0]
    for keyword in ("anyOf", "oneOf"):
        if schema.get(keyword):
            return _value(
                {**_without(schema, keyword), **_branch(schema[keyword])}, root, depth + 1
            )
    if schema.get("allOf"):
        return _value(_merged(schema, root), root, depth + 1)
    return _typed(schema, root, depth)


def _typed(schema: Mapping[str, Any], root: Mapping[str, Any], depth: int) -> Any:
    match _type_of(schema):
        case "object":
            return _object(schema, root, depth)
        case "array":
            length = max(1, int(schema.get("minItems", 1)))
            length = min(length, int(schema.get("maxItems", length)))
            return [_value(schema.get("items", {}), root, depth + 1) for _ in range(length)]
        case "integer":
            return int(_number(schema, 1))
        case "number":
            return _number(schema, 1)
        case "boolean":
            return True
        case "null":
            return None
        case _:
            return _string(schema)


def _object(schema: Mapping[str, Any], root: Mapping[str, Any], depth: int) -> dict[str, Any]:
    properties = schema.get("properties") or {}
    names = list(properties) if depth < MAX_DEPTH // 4 else list(schema.get("required") or ())
    return {name: _value(properties.get(name, {}), root, depth + 1) for name in names}


def _string(schema: Mapping[str, Any]) -> str:
    text = FORMATS.get(str(schema.get("format", "")), "text")
    text = text.ljust(int(schema.get("minLength", 0)), "x")
    return text[: int(schema.get("maxLength", len(text)))]


def _number(schema: Mapping[str, Any], step: int) -> int | float:
    low, high = schema.get("minimum"), schema.get("maximum")
    if "exclusiveMinimum" in schema:
        low = schema["exclusiveMinimum"] + step
    if "exclusiveMaximum" in schema:
        high = schema["exclusiveMaximum"] - step
    value = low if low is not None else min(step, high) if high is not None else step
    if "multipleOf" in schema:
        factor = schema["multipleOf"]
        value = -(-value // factor) * factor
    return value


def _type_of(schema: Mapping[str, Any]) -> str:
    declared = schema.get("type")
    if isinstance(declared, list):
        declared = next((name for name in declared if name != "null"), "null")
    if isinstance(declared, str):
        return declared.lower()
    if "properties" in schema:
        return "object"
    return "array" if "items" in schema else "string"


def _resolve(reference: Any, root: Mapping[str, Any]) -> Any:
    found: Any = root
    for step in str(reference).removeprefix("#").split("/"):
        if step and isinstance(found, Mapping):
            found = found.get(step.replace("~1", "/").replace("~0", "~"), {})
    return found


def _branch(branches: list[Any]) -> Mapping[str, Any]:
    solid = (b for b in branches if isinstance(b, Mapping) and b.get("type") != "null")
    return next(solid, {"type": "null"})


def _merged(schema: Mapping[str, Any], root: Mapping[str, Any]) -> dict[str, Any]:
    merged = _without(schema, "allOf")
    for part in schema["allOf"]:
        resolved = _resolve(part["$ref"], root) if "$ref" in part else part
        properties = {**merged.get("properties", {}), **resolved.get("properties", {})}
        required = [*merged.get("required", ()), *resolved.get("required", ())]
        merged = {**merged, **resolved, "properties": properties, "required": required}
        merged.pop("allOf", None)
    if not merged["properties"]:
        del merged["properties"]
    return merged


def _without(schema: Mapping[str, Any], keyword: str) -> dict[str, Any]:
    return {name: value for name, value in schema.items() if name != keyword}
