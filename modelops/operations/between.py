"""What changes from one revision to another: their states side by side, and what was noted between.

A secret is no part of a state, so that it changed is known from the notes alone.
"""

from __future__ import annotations

from modelops.plan.diff import diff
from modelops.plan.document import Change, FieldChange
from modelops.plan.secrets import noted
from modelops.resources.state import State
from modelops.secrets.sealed import SecretNote
from modelops.store.protocol import ConfigStore, Notes, Snapshot

_RANK: tuple[SecretNote, ...] = ("re-sealed", "re-encrypted", "origin changed", "new", "changed")
"""Which note stands for several, the last one first."""


async def notes(store: ConfigStore, before: Snapshot, after: Snapshot) -> Notes:
    """Return what the notes of the revisions from one to the other add up to, in either order."""
    old, new = sorted((before.head.revision, after.head.revision))
    secrets: dict[str, dict[str, SecretNote]] = {}
    for made in await store.revisions(new - old, new + 1):
        for address, fields in made.notes.secrets.items():
            mine = secrets.setdefault(address, {})
            for field, note in fields.items():
                mine[field] = max(note, mine.get(field, note), key=_RANK.index)
    return Notes(secrets=secrets)


def changes(before: State, after: State, notes: Notes, catalog: str = "") -> list[Change]:
    """Return what changes from one state to the other; `catalog` as in `plan.diff`."""
    secrets = (
        (address, FieldChange(path=field, secret=note))
        for address, fields in notes.secrets.items()
        for field, note in fields.items()
    )
    return noted(diff(before, after, {}, catalog), secrets, after)
