"""JSON Schemas of the YAML form, made from the declared Structs: for editors and for CI.

msgspec's own schemas are corrected where they would mislead an editor: Decimals are numbers in
YAML, a default of null says nothing, Python's end-of-text guard is not part of a pattern, and SOPS
adds a block of its own to every file that it encrypts.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from modelops.resources import declared, patterns

DIALECT = "https://json-schema.org/draft/2020-12/schema"

STRUCTS: dict[str, type[declared.Declared]] = {
    "settings": declared.Settings,
    "provider": declared.Provider,
    "chain": declared.Chain,
    "agent": declared.Agent,
}
"""What each `schema/NAME.schema.json` describes."""

_SOPS = {"description": "Written by SOPS; not to be edited.", "type": "object"}


def schema(name: str) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of one kind of file; KeyError for an unknown name."""
    struct = STRUCTS[name]
    raw = msgspec.json.schema(struct)
    definitions: dict[str, Any] = {
        key: _corrected(value) for key, value in sorted(raw.get("$defs", {}).items())
    }
    root = definitions.pop(struct.__name__)
    root["properties"]["sops"] = _SOPS
    document = {"$schema": DIALECT, **root}
    return document | {"$defs": definitions} if definitions else document


def _corrected(node: Any) -> Any:
    """Return a part of a schema as an editor should see it."""
    if isinstance(node, list):
        return [_corrected(item) for item in node]
    if not isinstance(node, dict):
        return node
    fixed = {key: _corrected(value) for key, value in node.items()}
    if fixed.get("format") == "decimal":
        del fixed["format"]
        fixed["type"] = "number"
        if isinstance(fixed.get("default"), str):
            fixed["default"] = float(Decimal(fixed["default"]))
    if isinstance(fixed.get("pattern"), str):
        fixed["pattern"] = fixed["pattern"].removesuffix(patterns.END_OF_TEXT)
    if isinstance(fixed.get("default"), dict):
        fixed["default"] = {key: value for key, value in fixed["default"].items() if value}
    if "default" in fixed and fixed["default"] is None:
        del fixed["default"]
    return _hoisted(fixed)


def _hoisted(node: dict[str, Any]) -> dict[str, Any]:
    """Return a node whose description and examples stand where editors look for them."""
    branches = node.get("anyOf", [])
    described = [branch for branch in branches if "description" in branch]
    if len(described) == 1 and len(branches) == 2:
        for key in ("description", "examples"):
            value = described[0].pop(key, None)
            if value is not None:
                node.setdefault(key, value)
    return node
