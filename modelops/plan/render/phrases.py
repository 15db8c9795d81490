"""How values, sources and counts of a plan are put into words; shared by the renderers."""

from __future__ import annotations

import re
from typing import Any

from modelops.plan.document import Action, Change, FieldChange, Plan, Summary
from modelops.resources import commits, durations
from modelops.resources.visible import visible

SYMBOLS: dict[Action, str] = {"create": "+", "update": "~", "delete": "-", "move": ">"}

LONGEST = 160
"""Characters of one value that are shown; the JSON document has all of it."""


def value(path: str, content: Any) -> str:
    """Return one value on one line, cut where it becomes too long."""
    text = spell(path, content)
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."


def spell(path: str, content: Any) -> str:
    """Return a value as a person would write it, however long."""
    if content is None:
        return "(none)"
    if isinstance(content, bool):
        return "true" if content else "false"
    if isinstance(content, int):
        return durations.show(content) if path.endswith("_ms") else str(content)
    if isinstance(content, list):
        return ", ".join(_inside(path, item) for item in content) or "(none)"
    if isinstance(content, dict):
        return _pairs(content) or "(none)"
    return visible(content) if content else '""'


def _pairs(content: dict[str, Any]) -> str:
    """Return the fields of a nested value; those that are empty say nothing."""
    return ", ".join(
        f"{visible(name.removesuffix('_ms'))} {_inside(name, item)}"
        for name, item in content.items()
        if item not in (None, "", [], {})
    )


def _inside(path: str, content: Any) -> str:
    text = spell(path, content)
    return f"{{{text}}}" if isinstance(content, dict) else text


def label(field: FieldChange) -> str:
    """Return the path of a field as users write it: without the unit that the program adds."""
    return visible(field.path.removesuffix("_ms"))


def whole(field: FieldChange) -> str:
    """Return the name of the field that a changed value is part of."""
    return re.split(r"[.\[]", field.path, maxsplit=1)[0].removesuffix("_ms")


def transition(field: FieldChange) -> tuple[str, str, str]:
    """Return the old value, the new one, and a note on where the new one comes from."""
    if field.secret and field.old is None:
        return "", "", f"secret {field.secret}"
    old, new = value(field.path, field.old), value(field.path, field.new)
    if field.old == field.new:
        return f"{old} ({field.old_source or 'declared'})", new, field.source or "declared"
    return old, new, f"secret {field.secret}" if field.secret else field.source


def gist(change: Change) -> str:
    """Return what one wants to know first of a new resource; the document has all of it."""
    fields = {field.path: field.new for field in change.fields}
    if targets := fields.get("targets"):
        return ", ".join(visible(target["model"]) for target in targets)
    if price := fields.get("price"):
        kinds = ("tiers", "hours", "service_tiers")
        further = "".join(f", {kind.replace('_', ' ')}" for kind in kinds if price.get(kind))
        return f"input {price['input']}, output {price['output']} USD per million{further}"
    for name in ("base_url", "chain", "default_chain"):
        if content := fields.get(name):
            return value(name, content) if name == "base_url" else f"chain {visible(content)}"
    return ""


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: `1 chain`, `2 chains`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def reach(addresses: tuple[str, ...]) -> str:
    """Return what a change reaches: `reaches 2 chains, 1 agent`; '' for nothing."""
    parts = [
        counted(number, kind)
        for kind in ("chain", "agent")
        if (number := sum(item.startswith(f"{kind}/") for item in addresses))
    ]
    return "reaches " + ", ".join(parts) if parts else ""


def counts(summary: Summary) -> str:
    """Return the counts of a plan: `1 to add, 1 to change, 1 to delete (of 14), 2 affected`."""
    parts = [f"{summary.create} to add", f"{summary.update} to change"]
    if summary.move:
        parts.append(f"{summary.move} to move")
    parts.append(f"{summary.delete} to delete")
    total = "" if summary.total is None else f" (of {summary.total})"
    text = ", ".join(parts) + total
    if summary.affected:
        text += f", {summary.affected} affected"
    if summary.warnings:
        text += f", {counted(summary.warnings, 'warning')}"
    return text


def title(plan: Plan) -> str:
    """Return whose plan this is: configuration and environment."""
    return f"{plan.config} ({plan.environment})" if plan.environment else plan.config


def base(plan: Plan) -> str:
    """Return what the plan starts from."""
    if plan.base_ref:
        return f"commit {commits.short(plan.base_ref)}"
    if plan.store_id == "":
        return "a new store"
    return f"revision {plan.base_revision}"


def conclusion(plan: Plan) -> str:
    """Return the one line that says it all, fit to stand alone in a log."""
    if plan.refusals:
        reasons = counted(len(plan.refusals), "reason")
        return f"Plan for {title(plan)} refused for {reasons}: {counts(plan.summary)}."
    if plan.empty:
        return f"No changes. {title(plan)} is at {base(plan)}{_warned(plan)}."
    if plan.base_ref:
        return f"Plan for {title(plan)}: {counts(plan.summary)}; against {base(plan)}."
    step = f"revision {plan.base_revision} -> {plan.base_revision + 1}"
    return f"Plan for {title(plan)}: {counts(plan.summary)}; {step}."


def _warned(plan: Plan) -> str:
    number = plan.summary.warnings
    return f"; {counted(number, 'warning')}" if number else ""
