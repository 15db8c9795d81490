"""The plan as workflow commands, which GitHub shows beside the lines of a pull request.

GitHub shows ten of each kind per step and drops the rest unseen; refusals come first, and the last
place is kept to say how many more there are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from modelops.plan.document import Change, Check, Plan
from modelops.plan.render import phrases

MOST = 10
"""Annotations of one kind that GitHub shows for a step."""

_FIELDS_SHOWN = 5


def render(plan: Plan) -> str:
    """Return one workflow command on each line, the conclusion last as plain text."""
    warnings = [check for check in plan.checks if check.level == "warning"]
    lines = (
        *_limited("error", [_check("error", check, plan) for check in plan.refusals]),
        *_limited("warning", [_check("warning", check, plan) for check in warnings]),
        *_limited("notice", [_change(change, plan) for change in plan.changes]),
        phrases.conclusion(plan),
    )
    return "\n".join(lines) + "\n"


def _limited(kind: str, lines: Sequence[str]) -> Iterator[str]:
    if len(lines) <= MOST:
        yield from lines
        return
    yield from lines[: MOST - 1]
    more = len(lines) - MOST + 1
    yield f"::{kind} title=modelops::and {more} more, listed in the plan itself"


def _check(kind: str, check: Check, plan: Plan) -> str:
    hint = f" ({check.hint})" if check.hint else ""
    return _command(kind, plan, check.file, check.line, check.rule, f"{check.message}{hint}")


def _change(change: Change, plan: Plan) -> str:
    if change.action == "delete":
        what = "no longer declared"
    elif change.action == "create":
        what = phrases.gist(change)
    else:
        what = "\n".join(_transition(change))
    words = {"create": "added", "update": "changed", "delete": "deleted", "move": "moved"}
    title = f"{change.address} {words[change.action]}"
    reach = phrases.reach(change.reaches)
    message = "\n".join(filter(None, (what, reach))) or title
    return _command("notice", plan, change.file, change.line, title, message)


def _transition(change: Change) -> Iterator[str]:
    if change.moved_from:
        yield f"from {change.moved_from}"
    for field in change.fields[:_FIELDS_SHOWN]:
        old, new, note = phrases.transition(field)
        values = f" {old} -> {new}" if old or new else ""
        yield f"{phrases.label(field)}{values}" + (f" ({note})" if note else "")
    if len(change.fields) > _FIELDS_SHOWN:
        yield f"and {len(change.fields) - _FIELDS_SHOWN} more fields"


def _command(kind: str, plan: Plan, file: str, line: int, title: str, message: str) -> str:
    place = f"file={_property(plan.git_prefix + file)},line={line}," if file else ""
    return f"::{kind} {place}title={_property(title)}::{_data(message)}"


def _data(text: str) -> str:
    """Return a message with what would end the command spelled as GitHub asks."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
