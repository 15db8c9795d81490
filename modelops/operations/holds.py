"""What a rollback abandoned, and therefore must not come back unseen.

After a rollback the files in git still say what was rolled back, and the next merge would apply
them again. So the digest a rollback left is refused until the files differ or somebody insists.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from modelops.plan.document import Check
from modelops.store.protocol import ConfigStore, Head, Revision

_PAGE = 20


async def held(store: ConfigStore, head: Head, config_digest: str) -> Check | None:
    """Return the refusal of files that the latest rollbacks abandoned, None for any others."""
    if head.revision == 0 or config_digest == head.config_digest:
        return None
    rollback: Revision | None = None
    async for revision in _newest_first(store):
        if rollback is not None and revision.info.config_digest == config_digest:
            return _refusal(rollback, revision)
        if revision.info.kind != "rollback":
            return None
        rollback = revision
    return None


async def _newest_first(store: ConfigStore) -> AsyncIterator[Revision]:
    before: int | None = None
    while page := await store.revisions(_PAGE, before):
        for revision in page:
            yield revision
        before = page[-1].revision


def _refusal(rollback: Revision, abandoned: Revision) -> Check:
    return Check(
        rule="rolled-back",
        level="refused",
        message=(
            f"these files are those of revision {abandoned.revision}, which revision "
            f"{rollback.revision} by {rollback.info.created_by} rolled back"
        ),
        hint="change the files, or insist with: modelops apply --reapply",
    )
