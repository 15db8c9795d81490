"""Compare two states field by field; the first step of every plan.

Both sides are resolved, so this compares like with like and knows nothing of defaults, presets or
files. Elements of lists that have a name of their own are matched by that name, so inserting a
target does not make every later one look changed; where they stand is one more line.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from modelops.plan.document import Change, FieldChange
from modelops.resources.addresses import order
from modelops.resources.resolved import Resource, Source
from modelops.resources.state import State, encode

ELEMENT_KEYS: Mapping[str, str] = {
    "targets": "model",
    "operators": "operator",
    "keys": "name",
    "credentials": "provider",
    "tiers": "above_input_tokens",
    "service_tiers": "tier",
    "hours": "from",
}
"""By which of its fields an element of a list is known."""

_HIDDEN: Mapping[str, frozenset[str]] = {
    kind: frozenset({*identity, "kind", "sources"})
    for kind, identity in (
        ("config", ("config",)),
        ("provider", ("provider",)),
        ("model", ("provider", "model")),
        ("chain", ("chain",)),
        ("agent", ("agent",)),
    )
}
"""Fields of each kind that are not compared: those in the address already, and what is no value."""


def diff(before: State, after: State, moves: Mapping[str, str], catalog: str) -> list[Change]:
    """Return what changes from one state to the other, by kind and address.

    `moves` maps the new address of a moved resource to its old one; `catalog` is the date that
    values of the catalog are labelled with. Positions and reach are left for the caller.
    """
    left = set(moves.values())
    changes: list[Change] = []
    for address, new in after.items():
        old = before.get(moves.get(address, address))
        if old is None:
            changes.append(
                Change(action="create", address=address, fields=_fields(None, new, catalog))
            )
        elif address in moves:
            changes.append(
                Change(
                    action="move",
                    address=address,
                    moved_from=moves[address],
                    fields=_fields(old, new, catalog),
                )
            )
        elif old != new:
            changes.append(
                Change(action="update", address=address, fields=_fields(old, new, catalog))
            )
    changes += [
        Change(action="delete", address=address, fields=_fields(old, None, catalog))
        for address, old in before.items()
        if address not in after and address not in left
    ]
    return sorted(changes, key=lambda change: order(change.address))


def _fields(old: Resource | None, new: Resource | None, catalog: str) -> tuple[FieldChange, ...]:
    if old is not None and new is not None:
        return tuple(_differences(old, new, catalog))
    if new is not None:
        return tuple(
            FieldChange(path=path, new=value, source=_dated(source, catalog))
            for path, value, source in _chosen(new)
        )
    if old is not None:
        return tuple(
            FieldChange(path=path, old=value, old_source=source)
            for path, value, source in _chosen(old)
        )
    return ()


def _chosen(resource: Resource) -> Iterator[tuple[str, Any, str]]:
    """Yield the fields of a resource that appears or goes, but no defaults and nothing empty."""
    for name, value in _values(resource).items():
        if value:
            source = resource.sources.get(name, "")
            if source != "default":
                yield name, value, source


def _differences(old: Resource, new: Resource, catalog: str) -> Iterator[FieldChange]:
    """Yield the fields in which two resources differ, in value or in where it comes from."""
    pruned = old.sources == new.sources
    for path, was, now in _leaves("", _values(old), _values(new), pruned):
        old_source, source = _source(old.sources, path), _source(new.sources, path)
        if was != now or old_source != source:
            yield FieldChange(
                path=path,
                old=was,
                new=now,
                old_source=old_source,
                source=_dated(source, catalog),
            )


def _values(resource: Resource) -> dict[str, Any]:
    """Return the fields of a resource as plain JSON values, without what its address says."""
    values: dict[str, Any] = msgspec.json.decode(encode(resource))
    hidden = _HIDDEN[values["kind"]]
    return {name: value for name, value in values.items() if name not in hidden}


def _leaves(path: str, old: Any, new: Any, pruned: bool) -> Iterator[tuple[str, Any, Any]]:
    """Walk two values side by side down to what can be shown on one line.

    `pruned` leaves out what is equal; without it, equal values may still differ in their sources.
    """
    if isinstance(old, dict) and isinstance(new, dict):
        ours, theirs = old, new
        start, end = f"{path}." if path else "", ""
    else:
        elements, others = _elements(path, old), _elements(path, new)
        if elements is None or others is None:
            yield path, old, new
            return
        ours, theirs = elements, others
        start, end = f"{path}[", "]"
        if list(ours) != list(theirs):
            yield path, list(ours), list(theirs)
    for key in dict.fromkeys((*ours, *theirs)):
        was, now = ours.get(key), theirs.get(key)
        if not pruned or was != now:
            yield from _leaves(f"{start}{key}{end}", was, now, pruned)


def _elements(path: str, value: Any) -> dict[str, Any] | None:
    """Return the elements of a list by their key; None when it has none or they repeat."""
    key = ELEMENT_KEYS.get(path.rpartition(".")[2])
    if key is None or not isinstance(value, list):
        return None
    elements = {
        str(item[key]): {name: field for name, field in item.items() if name != key}
        for item in value
    }
    return elements if len(elements) == len(value) else None


def _source(sources: Mapping[str, Source], path: str) -> str:
    """Return where the value at a path comes from: what is said of it or of what it is part of."""
    while path:
        if path in sources:
            return sources[path]
        path = path[: max(path.rfind("."), path.rfind("["), 0)]
    return ""


def _dated(source: str, catalog: str) -> str:
    return f"catalog {catalog}" if source == "catalog" else source
