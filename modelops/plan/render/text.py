"""The plan as text for a terminal or a CI log: what one would show a colleague.

The symbol column never moves, the legend names only symbols in use, a changed resource shows only
the fields that change, and the last line stands alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from modelops.plan.document import Change, Check, Effect, FieldChange, Plan
from modelops.plan.render import phrases
from modelops.resources import commits
from modelops.resources.visible import visible

_MEANING: dict[str, str] = {
    "+": "add",
    "~": "change",
    "-": "delete",
    ">": "move",
    "=": "affected, not changed",
}
_COLORS: dict[str, str] = {"+": "32", "~": "33", "-": "31", ">": "36", "=": "2"}
_BOLD, _DIM, _YELLOW, _RED = "1", "2", "33", "31"

WIDEST = 60
"""Columns beyond which a long address no longer moves the others."""

Paint = Callable[[str, str], str]


def render(plan: Plan, *, color: bool = False) -> str:
    """Return the plan as lines of text with a final line break."""
    paint = _colored if color else _plain
    return "\n".join(_lines(plan, paint)) + "\n"


def render_changes(
    changes: Sequence[Change], effects: Sequence[Effect], *, color: bool = False
) -> str:
    """Return changes and effects alone, legend first; '' when there are none."""
    lines = list(_body(changes, effects, _colored if color else _plain))
    return "\n".join(lines) + "\n" if lines else ""


def _colored(code: str, text: str) -> str:
    return f"\x1b[{code}m{text}\x1b[0m"


def _plain(code: str, text: str) -> str:
    return text


def _lines(plan: Plan, paint: Paint) -> Iterator[str]:
    if plan.changes:
        yield paint(_BOLD, phrases.title(plan)) + f"   {_facts(plan)}"
        yield from _body(plan.changes, plan.effects, paint)
        yield ""
    yield from _checks("Refused", _RED, plan.refusals, paint)
    yield from _checks("Warnings", _YELLOW, _warnings(plan), paint)
    yield paint(f"{_BOLD};{_RED}" if plan.refusals else _BOLD, phrases.conclusion(plan))


def _body(changes: Sequence[Change], effects: Sequence[Effect], paint: Paint) -> Iterator[str]:
    if not changes:
        return
    used = {phrases.SYMBOLS[change.action] for change in changes} | ({"="} if effects else set())
    legend = (f"{symbol} {word}" for symbol, word in _MEANING.items() if symbol in used)
    yield paint(_DIM, "   ".join(legend))
    yield ""
    addresses = [change.address for change in changes]
    width = _widest([*addresses, *(effect.address for effect in effects)])
    places = _widest([_place(change) for change in changes])
    for change in changes:
        yield from _change(change, (width, places), paint)
    for effect in effects:
        because = ", ".join(effect.because)
        yield paint(_DIM, f"  = {effect.address:<{width}}  affected by {because}")


def _facts(plan: Plan) -> str:
    """Return what the plan stands on: base and commit."""
    if not plan.git_commit:
        return f"base {phrases.base(plan)}"
    place = ", ".join(
        filter(None, (plan.git_branch, "uncommitted changes" if plan.git_dirty else ""))
    )
    return f"base {phrases.base(plan)}   commit {commits.short(plan.git_commit)}" + (
        f" ({visible(place)})" if place else ""
    )


def _widest(texts: Sequence[str]) -> int:
    return min(max(map(len, texts)), WIDEST)


def _warnings(plan: Plan) -> tuple[Check, ...]:
    return tuple(check for check in plan.checks if check.level == "warning")


def _change(change: Change, widths: tuple[int, int], paint: Paint) -> Iterator[str]:
    """Yield a change: one line for what appears or goes, and one for each field that changes."""
    symbol = phrases.SYMBOLS[change.action]
    notes = (
        phrases.gist(change) if change.action == "create" else "",
        f"from {change.moved_from}" if change.moved_from else "",
        phrases.reach(change.reaches) if change.reaches else "",
    )
    line = f"{visible(change.address):<{widths[0]}}  {_place(change):<{widths[1]}}  " + "   ".join(
        filter(None, notes)
    )
    yield f"  {paint(_COLORS[symbol], symbol)} {line.rstrip()}"
    if change.action in ("update", "move"):
        labels = (len(phrases.label(field)) for field in change.fields)
        column = min(max(labels, default=0), WIDEST)
        for field in change.fields:
            yield _field(field, column, paint)


def _place(change: Change) -> str:
    if change.action == "delete":
        return "no longer declared"
    return f"{visible(change.file)}:{change.line}" if change.file else ""


def _field(field: FieldChange, column: int, paint: Paint) -> str:
    old, new, note = phrases.transition(field)
    values = f"{old} -> {new}" if old or new else ""
    note = paint(_DIM, f"({note})") if note else ""
    return f"      {phrases.label(field):<{column}}  {'  '.join(filter(None, (values, note)))}"


def _checks(heading: str, code: str, checks: tuple[Check, ...], paint: Paint) -> Iterator[str]:
    if not checks:
        return
    yield paint(code, f"{heading}:")
    for check in checks:
        place = f"{visible(check.file)}:{check.line}: " if check.file else ""
        subject = (
            f"{check.address}: " if check.address and check.address not in check.message else ""
        )
        yield f"  {place}{subject}{visible(check.message)}  [{check.rule}]"
        if check.hint:
            yield f"      {visible(check.hint)}"
    yield ""
