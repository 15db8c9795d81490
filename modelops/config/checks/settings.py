"""modelops.yaml: time zone, default chain, and the addresses under `moved` and `removed`."""

from __future__ import annotations

import zoneinfo
from collections.abc import Collection, Iterator

from modelops.config import rules, zones
from modelops.config.checks.subject import Subject, unknown_chain, unseen
from modelops.config.declaration import Entry
from modelops.config.diagnostics import did_you_mean, found
from modelops.resources import addresses
from modelops.resources.configuration import Diagnostic
from modelops.resources.declared import Settings


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield what is wrong with the settings."""
    entry = subject.declaration.settings
    if entry is None:
        return
    if entry.value.default_chain is not None:
        yield from unknown_chain(subject, entry.value.default_chain, entry.at("default_chain"))
    yield from _timezone(entry)
    if not (entry.value.moved or entry.value.removed):
        return
    declared = subject.resolution.state().keys()
    yield from _moved(subject, entry, declared)
    for index, removed in enumerate(entry.value.removed):
        position = entry.at("removed", index)
        if not _is_address(removed):
            message = f"{removed!r} is not an address such as chain/NAME or model/PROVIDER/NAME"
            yield found(rules.REMOVED_ADDRESS, position, message)
        elif removed in declared:
            message = f"{removed} is still declared"
            hint = "delete its declaration, or this entry"
            yield found(rules.REMOVED_ADDRESS, position, message, hint)


def _timezone(entry: Entry[Settings]) -> Iterator[Diagnostic]:
    name = entry.value.timezone
    if zones.find(name) is None:
        known = zoneinfo.available_timezones()
        hint = did_you_mean(name, known)
        if not known:
            hint = "this machine has no time zone data: install the Python package tzdata"
        message = f"there is no time zone {name!r}"
        yield found(rules.UNKNOWN_TIMEZONE, entry.at("timezone"), message, hint)


def _moved(
    subject: Subject, entry: Entry[Settings], declared: Collection[str]
) -> Iterator[Diagnostic]:
    left: set[str] = set()
    hidden = unseen(subject)
    for index, move in enumerate(entry.value.moved):
        for field, place in (("from", move.from_), ("to", move.to)):
            if not _is_address(place):
                message = f"{place!r} is not an address such as chain/NAME or model/PROVIDER/NAME"
                yield found(rules.MOVED_ADDRESS, entry.at("moved", index, field), message)
        position = entry.at("moved", index)
        if not (_is_address(move.from_) and _is_address(move.to)):
            continue
        if addresses.kind_of(move.from_) != addresses.kind_of(move.to):
            message = f"{move.from_} and {move.to} are of different kinds"
            yield found(rules.MOVED_ADDRESS, position, message)
        if move.from_ in declared:
            message = f"{move.from_} is still declared"
            yield found(rules.MOVED_ADDRESS, position, message, "rename it, or delete this entry")
        if move.to not in declared and not hidden & {move.to, _owner(move.to)}:
            message = f"{move.to} is not declared"
            yield found(rules.MOVED_ADDRESS, position, message, did_you_mean(move.to, declared))
        if move.from_ in left:
            yield found(rules.MOVED_ADDRESS, position, f"{move.from_} moves twice")
        left.add(move.from_)


def _owner(place: str) -> str:
    """Return the address of a model's provider, of anything else its own."""
    kind, _, rest = place.partition("/")
    return addresses.address("provider", rest.partition("/")[0]) if kind == "model" else place


def _is_address(text: str) -> bool:
    """Say whether a text is the address of something that can move or be removed."""
    kind, _, rest = text.partition("/")
    if kind == "model":
        provider, _, model = rest.partition("/")
        return bool(provider and model)
    return kind in ("provider", "chain", "agent") and bool(rest) and "/" not in rest
