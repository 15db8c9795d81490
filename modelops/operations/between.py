"""What changes from one revision to another: their states side by side, and what was noted between.

A secret is no part of a state, and a renamed resource looks like one that went and one that came:
both are known from the notes alone.
"""

from __future__ import annotations

from modelops.operations import secret_rows
from modelops.plan.diff import diff
from modelops.plan.document import Change, FieldChange
from modelops.plan.moves import resolve
from modelops.plan.secrets import noted
from modelops.resources.state import State
from modelops.secrets.sealed import SecretNote
from modelops.store.protocol import ConfigStore, Notes, Snapshot

_RANK: tuple[SecretNote, ...] = ("re-sealed", "re-encrypted", "origin changed", "new", "changed")
"""Which note stands for several, the last one first."""


async def notes(store: ConfigStore, before: Snapshot, after: Snapshot) -> Notes:
    """Return what the notes of the revisions from one to the other add up to, in either order.

    What was deleted on the way has moved nowhere, whatever has its name now. Secrets are those that
    are sealed in both states: a state says itself which reference it has, or that there is no key.
    """
    old, new = sorted((before.head.revision, after.head.revision))
    moved: dict[str, str] = {}
    secrets: dict[str, dict[str, SecretNote]] = {}
    for made in reversed(await store.revisions(new - old, new + 1)):
        for now, was in made.notes.moved.items():
            moved[now] = moved.pop(was, was)
            secrets[now] = secrets.pop(was, {})
        if moved and made.info.counts.get("delete"):
            state = (await store.snapshot(made.revision)).state
            moved = {now: was for now, was in moved.items() if now in state}
        for address, fields in made.notes.secrets.items():
            mine = secrets.setdefault(address, {})
            for field, note in fields.items():
                mine[field] = max(note, mine.get(field, note), key=_RANK.index)
    if after.head.revision == new:
        steps = [(was, now) for now, was in moved.items()]
    else:
        steps = list(moved.items())
        secrets = {moved.get(address, address): fields for address, fields in secrets.items()}
    moves = resolve(steps, before.state, after.state)
    there = secret_rows.sealed(before.state)
    here = secret_rows.sealed(after.state)
    both = {(now, field) for now, field in here if (moves.get(now, now), field) in there}
    return Notes(
        moved=moves,
        secrets={
            address: kept
            for address, fields in secrets.items()
            if (kept := {field: fields[field] for field in fields if (address, field) in both})
        },
    )


def changes(before: State, after: State, notes: Notes, catalog: str = "") -> list[Change]:
    """Return what changes from one state to the other; `catalog` as in `plan.diff`."""
    secrets = (
        (address, FieldChange(path=field, secret=note))
        for address, fields in notes.secrets.items()
        for field, note in fields.items()
    )
    return noted(diff(before, after, notes.moved, catalog), secrets, after)
