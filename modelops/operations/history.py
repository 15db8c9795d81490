"""History: the revisions of a store, newest first, and what each of them changed."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from modelops.operations import between
from modelops.plan.document import Action
from modelops.resources.state import State
from modelops.store.protocol import ConfigStore, Revision


class Touched(msgspec.Struct, frozen=True, kw_only=True):
    """One resource that a revision changed, and the names of the fields in which it did.

    `moved_from` is the address it went by, '' unless it moved.
    """

    action: Action
    address: str
    moved_from: str
    fields: tuple[str, ...]


async def history(
    store: ConfigStore, *, limit: int, before: int | None = None
) -> Sequence[Revision]:
    """Return at most `limit` revisions, those below `before` when it is given."""
    return await store.revisions(limit, before)


async def touched(
    store: ConfigStore, revisions: Sequence[Revision]
) -> dict[int, tuple[Touched, ...]]:
    """Return by revision what it changed against its base."""
    states: dict[int, State] = {}
    for number in {number for made in revisions for number in (made.revision, made.base)}:
        states[number] = (await store.snapshot(number)).state
    return {
        made.revision: tuple(
            Touched(
                action=change.action,
                address=change.address,
                moved_from=change.moved_from,
                fields=tuple(field.path for field in change.fields),
            )
            for change in between.changes(states[made.base], states[made.revision], made.notes)
        )
        for made in revisions
    }
