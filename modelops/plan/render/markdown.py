"""The plan as a comment on a pull request: what to know first, the rest folded away.

A comment that is too long is refused by GitHub as a whole, so this one gets shorter instead: first
the fields go, then the last rows, and what is missing is said.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Sequence

from modelops.plan.document import Change, Check, Plan
from modelops.plan.render import phrases
from modelops.resources import commits
from modelops.resources.visible import visible

LIMIT = 65_000
"""Characters; GitHub refuses comments of more than 65,536."""

_ROOM_FOR_NOTES = 300
_CHECKS_SHOWN = 15
_LONGEST_CHECK = 500
_MEANING = re.compile(r"([\\`*_{}\[\]()#+!|~])")


def render(plan: Plan, *, limit: int = LIMIT) -> str:
    """Return the plan as GitHub-flavored markdown of at most `limit` characters."""
    head = "\n".join(_head(plan)) + "\n"
    foot = f"\n<sub>{_escape(_provenance(plan))}</sub>\n"
    room = limit - len(head) - len(foot) - _ROOM_FOR_NOTES
    rows = [*map(_row, plan.changes), *_affected(plan)]
    table, left_out = _within(rows, room)
    if not rows:
        return head + foot
    body = "\n| | resource | where | what |\n|---|---|---|---|\n" + table
    if left_out:
        body += f"\n{left_out} more rows are in the JSON document of this plan.\n"
        return head + body + foot
    details = _details(plan.changes)
    if details and len(details) <= room - len(table):
        body += details
    elif details:
        body += "\nThe fields that change are in the JSON document of this plan.\n"
    return head + body + foot


def marker(plan: Plan) -> str:
    """Return the invisible line by which a later run finds this plan's comment."""
    return f"<!-- modelops plan {plan.config} {plan.environment} -->"


def _head(plan: Plan) -> Iterator[str]:
    yield marker(plan)
    yield f"### modelops plan: {_escape(phrases.title(plan))}"
    yield ""
    yield _escape(phrases.conclusion(plan))
    refused, warned = plan.refusals, [check for check in plan.checks if check.level == "warning"]
    yield from _alert("CAUTION", refused)
    yield from _alert("WARNING", warned)


def _alert(kind: str, checks: Sequence[Check]) -> Iterator[str]:
    if not checks:
        return
    yield from ("", f"> [!{kind}]", *map(_check, checks[:_CHECKS_SHOWN]))
    if len(checks) > _CHECKS_SHOWN:
        yield f"> - and {len(checks) - _CHECKS_SHOWN} more"


def _check(check: Check) -> str:
    place = f"{_code(f'{check.file}:{check.line}')} " if check.file else ""
    hint = f" ({_short(check.hint)})" if check.hint else ""
    return f"> - {place}{_short(check.message)}{hint}"


def _short(text: str) -> str:
    """Return escaped text of a bounded length: escaping makes it longer, so that comes first."""
    escaped = _escape(text)
    return escaped if len(escaped) <= _LONGEST_CHECK else escaped[:_LONGEST_CHECK] + "..."


def _row(change: Change) -> str:
    if change.action == "delete":
        what = "no longer declared"
    elif change.action == "create":
        what = phrases.gist(change)
    else:
        what = ", ".join(dict.fromkeys(map(phrases.whole, change.fields)))
    reach = phrases.reach(change.reaches)
    notes = [
        f"from {change.moved_from}" if change.moved_from else "",
        what,
        reach,
    ]
    place = _code(f"{change.file}:{change.line}") if change.file else ""
    cells = (
        _code(phrases.SYMBOLS[change.action]),
        _code(change.address),
        place,
        _escape("; ".join(filter(None, notes))),
    )
    return f"| {' | '.join(cells)} |\n"


def _affected(plan: Plan) -> Iterator[str]:
    for effect in plan.effects:
        because = ", ".join(effect.because[:5]) + (", ..." if len(effect.because) > 5 else "")
        yield f"| `=` | {_code(effect.address)} | | affected by {_escape(because)} |\n"


def _within(rows: Iterable[str], room: int) -> tuple[str, int]:
    """Return as many rows as there is room for, and how many are left out."""
    taken: list[str] = []
    left_out = 0
    for row in rows:
        room -= len(row)
        if room < 0:
            left_out += 1
        else:
            taken.append(row)
    return "".join(taken), left_out


def _details(changes: Iterable[Change]) -> str:
    """Return the changed fields, folded, as a diff that GitHub colors."""
    lines: list[str] = []
    for change in changes:
        if change.action not in ("update", "move") or not change.fields:
            continue
        lines.append(f"# {visible(change.address)}")
        for field in change.fields:
            old, new, note = phrases.transition(field)
            source = f"  ({note})" if note else ""
            if not old and not new:
                lines.append(f"! {phrases.label(field)}{source}")
                continue
            lines.append(f"- {phrases.label(field)}: {old}")
            lines.append(f"+ {phrases.label(field)}: {new}{source}")
    if not lines:
        return ""
    text = "\n".join(lines)
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return (
        "\n<details><summary>Fields that change</summary>\n\n"
        f"{fence}diff\n{text}\n{fence}\n\n</details>\n"
    )


def _provenance(plan: Plan) -> str:
    commit = f", commit {commits.short(plan.git_commit)}" if plan.git_commit else ""
    dirty = " with uncommitted changes" if plan.git_dirty else ""
    return (
        f"base {phrases.base(plan)}{commit}{dirty}, modelops {plan.tool_version}, "
        f"catalog {plan.catalog}, plan {plan.plan_digest[:12]}"
    )


def _escape(text: str) -> str:
    """Return text that markdown and HTML take literally, and that calls nobody by an @."""
    literal = _MEANING.sub(r"\\\1", html.escape(visible(text), quote=False))
    return literal.replace("@", "@\N{ZERO WIDTH SPACE}")


def _code(text: str) -> str:
    """Return text as code in a table cell; names hold no backtick, files may."""
    return f"`{visible(text).replace('`', chr(39)).replace('|', chr(92) + '|')}`"
