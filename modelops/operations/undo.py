"""How the last change is taken back: by a rollback, unless keys are what it changed.

Keys are no part of a revision. Where they alone changed a rollback changes nothing; where one was
sealed for another place it leaves its provider without a key.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from modelops.plan.document import Check
from modelops.secrets.sealed import SecretNote
from modelops.store.protocol import Notes, Revision


def undo(history: Sequence[Revision]) -> str:
    """Return what takes back the newest of the last two revisions; '' when nothing is advised.

    A rollback has taken something back itself: what it was is not advised again.
    """
    if not history or not history[0].base or history[0].info.kind == "rollback":
        return ""
    last, *before = history
    if sent_elsewhere := _noted(last.notes, "origin changed"):
        return (
            f"declare {', '.join(sent_elsewhere)} as it was, then modelops apply"
            " (keys are not rolled back, and the newest are sealed for where they go now)"
        )
    if before and before[0].digest == last.digest:
        keys = keys_replaced(last.notes)
        return f"{put_back(keys)} (keys are not rolled back)" if keys else ""
    return f"modelops rollback {last.base}"


def keys_replaced(notes: Notes) -> list[str]:
    """Return the addresses whose keys have others in their place since."""
    return _noted(notes, "changed", "re-encrypted")


def keys_kept(notes: Notes) -> Iterator[Check]:
    """Yield a warning for each of these that did not move: a rollback leaves the newest in use."""
    for address in keys_replaced(notes):
        if address in notes.moved:
            continue
        yield Check(
            rule="keys-kept",
            level="warning",
            address=address,
            message=f"a key of {address} has changed since, and stays: keys are not rolled back",
            hint=put_back([address]),
        )


def put_back(addresses: Sequence[str]) -> str:
    """Return what brings the old keys of these back."""
    return (
        f"set the old key of {', '.join(addresses)} with modelops secret set, then modelops apply"
    )


def _noted(notes: Notes, *wanted: SecretNote) -> list[str]:
    return sorted(
        address for address, fields in notes.secrets.items() if set(wanted) & set(fields.values())
    )
