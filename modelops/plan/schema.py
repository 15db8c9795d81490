"""The JSON Schema of the plan document, for programs that read plans: policies, bots, dashboards.

Unlike the schemas of the YAML form it lets unknown fields pass: a later modelops may add some.
"""

from __future__ import annotations

import inspect
from typing import Any

import msgspec

from modelops.plan.document import Plan
from modelops.resources.schema import DIALECT


def schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of the document."""
    raw = msgspec.json.schema(Plan)
    definitions = {name: raw["$defs"][name] for name in sorted(raw["$defs"])}
    for definition in definitions.values():
        definition["description"] = inspect.cleandoc(definition["description"])
    root = definitions.pop(Plan.__name__)
    return {"$schema": DIALECT, **root, "$defs": definitions}
