"""Diff: how two revisions of a store differ."""

from __future__ import annotations

import msgspec

from modelops import catalog
from modelops.operations import between
from modelops.plan import effects
from modelops.plan.document import Change, Effect
from modelops.store.protocol import ConfigStore


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """What changed from one revision to another; changes and effects as in a plan."""

    from_revision: int
    to_revision: int
    changes: tuple[Change, ...]
    effects: tuple[Effect, ...]


async def diff(store: ConfigStore, old: int, new: int | None = None) -> Difference:
    """Compare two revisions, the newest for `new` by default; ModelopsError when one is missing."""
    before, after = await store.snapshot(old), await store.snapshot(new)
    notes = await between.notes(store, before, after)
    found = between.changes(before.state, after.state, notes, catalog.VERSION)
    changes = tuple(effects.with_reach(found, before.state, after.state))
    return Difference(
        from_revision=before.head.revision,
        to_revision=after.head.revision,
        changes=changes,
        effects=effects.indirect(changes),
    )
