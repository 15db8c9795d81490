"""Whether a JSON Schema is one that OpenAI's strict mode accepts; it answers 400 to others.

Every property must be required and no other allowed, at every depth; some keywords are not
supported (https://platform.openai.com/docs/guides/structured-outputs, "Supported schemas").
Anthropic's strict mode has neither rule.
"""

from __future__ import annotations

from typing import Any

import msgspec

_UNSUPPORTED = frozenset({
    "allOf", "not", "dependentRequired", "dependentSchemas", "if", "then", "else",
    "patternProperties", "oneOf",
})  # fmt: skip
_MAPS = ("properties", "$defs", "definitions")


def accepts(schema: msgspec.Raw) -> bool:
    """Return whether a schema can be sent as strict."""
    try:
        root = msgspec.json.decode(schema)
        return isinstance(root, dict) and root.get("type") == "object" and _fits(root)
    except (msgspec.DecodeError, RecursionError):
        return False


def _fits(schema: Any) -> bool:
    if isinstance(schema, list):
        return all(map(_fits, schema))
    if not isinstance(schema, dict):
        return True
    if not _UNSUPPORTED.isdisjoint(schema):
        return False
    kind = schema.get("type")
    if kind == "object" or (isinstance(kind, list) and "object" in kind) or "properties" in schema:
        required = schema.get("required")
        wanted = set(schema.get("properties") or ())
        if schema.get("additionalProperties") is not False:
            return False
        if wanted and not (isinstance(required, list) and wanted <= set(map(str, required))):
            return False
    for name in _MAPS:
        named = schema.get(name)
        if isinstance(named, dict) and not all(map(_fits, named.values())):
            return False
    return _fits(schema.get("items")) and _fits(schema.get("anyOf"))
