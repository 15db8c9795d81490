"""How the last change is taken back: by a rollback, unless keys are what it changed.

Keys are no part of a revision. Where they alone changed a rollback changes nothing; where the
newest does not open as things were it leaves its provider without a key.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from modelops.operations import secret_rows
from modelops.plan.document import Check
from modelops.resources.state import State
from modelops.secrets.sealed import SecretNote
from modelops.store.protocol import ConfigStore, Notes, Revision


async def lost(store: ConfigStore, state: State, history: Sequence[Revision]) -> list[str]:
    """Return the addresses whose keys would not open after a rollback of the newest revision."""
    if not history or not history[0].base or not history[0].notes.secrets:
        return []
    before = await store.snapshot(history[0].base)
    found = secret_rows.left_behind(state, before.state, await store.secrets(), ())
    return sorted({check.address for check in found if check.level == "refused"})


def undo(history: Sequence[Revision], lost: Sequence[str] = ()) -> str:
    """Return what takes back the newest of the last two revisions; '' when nothing is advised.

    `lost` is what the function of that name found. A rollback has taken something back itself: what
    it was is not advised again.
    """
    if not history or not history[0].base or history[0].info.kind == "rollback":
        return ""
    last, *before = history
    if lost:
        return (
            f"declare {', '.join(lost)} as it was, then modelops apply"
            " (keys are not rolled back, and the newest do not open there)"
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
