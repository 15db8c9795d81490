"""Renderers of the plan document, one per format. They read nothing but the document."""

from __future__ import annotations

from modelops.plan.document import Plan, encode
from modelops.plan.render import text


def render(plan: Plan, output_format: str, *, color: bool = False) -> str:
    """Return the plan as `text`, `json`, `markdown` or `github`, with a final line break.

    Only text has color.
    """
    if output_format == "json":
        return encode(plan).decode()
    return text.render(plan, color=color)
