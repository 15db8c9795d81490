"""Renderers of the plan document, one per format. They read nothing but the document."""

from __future__ import annotations

from modelops.plan.document import Plan, encode
from modelops.plan.render import github, markdown, sarif, text

FORMATS = ("text", "json", "markdown", "github", "sarif")


def render(plan: Plan, output_format: str, *, color: bool = False) -> str:
    """Return the plan in one of FORMATS, with a final line break.

    Only text has color.
    """
    if output_format == "json":
        return encode(plan).decode()
    if output_format == "markdown":
        return markdown.render(plan)
    if output_format == "github":
        return github.render(plan)
    if output_format == "sarif":
        return sarif.render(plan)
    return text.render(plan, color=color)
