"""Renames: which stored resource a declared one goes on from.

A rename without this would be a deletion and a creation, and lose the history of the books and the
consent of the safety gate. A provider takes its models along.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from modelops.plan.document import Check
from modelops.resources.addresses import address, kind_of, split_model
from modelops.resources.state import State


def resolve(moved: Sequence[tuple[str, str]], before: State, after: State) -> dict[str, str]:
    """Return the moves that happen: new address to old one.

    A move that has been made already, or whose old name never was, is passed over, so entries can
    stay in the file until everybody has applied them.
    """
    moves: dict[str, str] = {}
    for old, new in moved:
        for source, target in _with_models(old, new, before):
            gone = source in before and source not in after
            fresh = target in after and target not in before
            alike = gone and fresh and kind_of(source) == kind_of(target)
            if alike and source not in moves.values():
                moves.setdefault(target, source)
    return moves


def misuses(moved: Sequence[tuple[str, str]], after: State) -> Iterator[Check]:
    """Yield what cannot be meant: a move away from something that is still declared."""
    for old, new in moved:
        if old in after:
            yield Check(
                rule="moved-still-declared",
                level="warning",
                address=old,
                message=f"{old} is listed as moved to {new}, and is still declared: not moved",
                hint="remove the entry under `moved:`, or the resource",
            )


def _with_models(old: str, new: str, before: State) -> Iterator[tuple[str, str]]:
    yield old, new
    if not old.startswith("provider/"):
        return
    name, renamed = old.partition("/")[2], new.partition("/")[2]
    for item in before:
        kind, _, model = item.partition("/")
        if kind == "model" and split_model(model)[0] == name:
            yield item, address("model", renamed, split_model(model)[1])
