"""The keys by which callers are known, of agents and operators alike."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from modelops.config import rules
from modelops.config.checks.subject import Subject
from modelops.config.diagnostics import found
from modelops.config.yaml import Document, Path
from modelops.resources.configuration import Diagnostic, Position
from modelops.resources.declared import Key

SOON = timedelta(days=30)
"""How long before it expires a caller's last key is warned of: time for a review and an apply."""


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield what is wrong with operators and with everybody's keys."""
    yield from _operators(subject)
    owners: dict[str, str] = {}
    for owner, keys, document, path in _callers(subject):
        names: set[str] = set()
        final = max(range(len(keys)), key=lambda index: (_end(keys[index]), index), default=0)
        for index, key in enumerate(keys):
            place = (*path, index)
            at = document.position((*place, "expires"))
            yield from _expiry(owner, key, at, subject.today, final=index == final)
            if key.name in names:
                message = f"{owner} has a key named {key.name!r} already"
                yield found(rules.REPEATED_NAME, document.position((*place, "name")), message)
            names.add(key.name)
            first = owners.setdefault(key.sha256, owner)
            if first != owner:
                message = f"{first} has the same key, so nobody could tell who calls"
                hint = "make another with `modelops key new`"
                position = document.position((*place, "sha256"))
                yield found(rules.SHARED_KEY, position, message, hint)


def _operators(subject: Subject) -> Iterator[Diagnostic]:
    entry = subject.declaration.settings
    seen: set[str] = set()
    for index, operator in enumerate(entry.value.operators if entry is not None else ()):
        if entry is not None and operator.operator in seen:
            position = entry.at("operators", index, "operator")
            message = f"operator {operator.operator!r} is declared twice"
            yield found(rules.REPEATED_NAME, position, message)
        seen.add(operator.operator)


def _callers(subject: Subject) -> Iterator[tuple[str, tuple[Key, ...], Document, Path]]:
    """Yield every caller with its keys and where they stand."""
    settings = subject.declaration.settings
    if settings is not None:
        for index, operator in enumerate(settings.value.operators):
            path = ("operators", index, "keys")
            yield f"operator/{operator.operator}", operator.keys, settings.document, path
    for agent in subject.declaration.agents.values():
        yield agent.address, agent.value.keys, agent.document, ("keys",)


def _end(key: Key) -> str:
    return key.expires or date.max.isoformat()


def _expiry(
    owner: str, key: Key, at: Position, today: date, *, final: bool
) -> Iterator[Diagnostic]:
    """Yield what is wrong with the last day of a key; `final` is the one that outlives the rest."""
    if key.expires is None:
        return
    try:
        last = date.fromisoformat(key.expires)
    except ValueError:
        message = f"{key.expires} is not a date"
        yield found(rules.BAD_DATE, at, message)
        return
    if last < today:
        message = f"the key {key.name!r} expired on {key.expires}"
        yield found(rules.EXPIRED_KEY, at, message, "remove it")
    elif final and last <= today + SOON:
        message = f"{owner} has no key that works after {key.expires}"
        hint = f"declare another beside it: modelops key new {owner}"
        yield found(rules.EXPIRING_KEY, at, message, hint)
