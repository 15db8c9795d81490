"""The rules OpenAI has for a strict schema: every property required, no other allowed.

From https://platform.openai.com/docs/guides/structured-outputs, in the words of its errors.
"""

from __future__ import annotations

from typing import Any

from modelops.simulator.wire import RequestError


def check_schema(schema: dict[str, Any], where: str) -> None:
    """Raise RequestError for an object, at any depth, that is not closed and complete."""
    for context, part in _objects(schema, ()):
        required = _of(part, "required", list)
        missing = [name for name in _of(part, "properties", dict) if name not in required]
        if missing:
            why = (
                "'required' is required to be supplied and to be an array including every key in "
                f"properties. Missing '{missing[0]}'."
            )
        elif part.get("additionalProperties") is not False:
            why = "'additionalProperties' is required to be supplied and to be false."
        else:
            continue
        function = where.startswith("function")
        raise RequestError(
            f"Invalid schema for {where}: In context={context}, {why}",
            code="invalid_function_parameters" if function else "invalid_json_schema",
        )


def _of(part: dict[str, Any], name: str, kind: type[Any]) -> Any:
    value = part.get(name)
    return value if isinstance(value, kind) else kind()


def _objects(value: Any, context: tuple[Any, ...]) -> list[tuple[tuple[Any, ...], dict[str, Any]]]:
    if isinstance(value, list):
        return [found for i, item in enumerate(value) for found in _objects(item, (*context, i))]
    if not isinstance(value, dict):
        return []
    own = [(context, value)] if value.get("type") == "object" else []
    return own + [
        found
        for name, item in value.items()
        if name not in {"enum", "const", "default", "examples", "required"}
        for found in _objects(item, (*context, name))
    ]
