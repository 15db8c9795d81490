"""History: the revisions of a store, newest first."""

from __future__ import annotations

from collections.abc import Sequence

from modelops.store.protocol import ConfigStore, Revision


async def history(
    store: ConfigStore, *, limit: int, before: int | None = None
) -> Sequence[Revision]:
    """Return at most `limit` revisions, those below `before` when it is given."""
    return await store.revisions(limit, before)
