"""The document itself, for programs: what `plan --out` writes and `apply` reads."""

from __future__ import annotations

from modelops.plan.document import Plan, encode


def render(plan: Plan) -> str:
    """Return the plan as JSON text with a final line break."""
    return encode(plan).decode()
