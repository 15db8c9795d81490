"""What a rollback abandoned, and therefore must not come back unseen.

After a rollback the files in git still say what was rolled back, and the next merge would apply
them again. So the digest a rollback left is refused until the files differ or somebody insists.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from modelops.plan.document import Check
from modelops.resources.configuration import Configuration
from modelops.resources.state import State, digest, state_digest
from modelops.store.protocol import ConfigStore, Head, Revision

_PAGE = 20


async def held(store: ConfigStore, head: Head, configuration: Configuration) -> Check | None:
    """Return the refusal of files that the latest rollbacks abandoned, None for any others.

    A revision knows only the files that declared it last. Earlier ones, a comment less, come to
    the same state, and were abandoned with them.
    """
    files = configuration.config_digest
    if head.revision == 0 or files == head.config_digest:
        return None
    content = ""
    rollback: Revision | None = None
    async for revision in _newest_first(store):
        if rollback is not None and (
            revision.info.config_digest == files or revision.digest == content
        ):
            return _refusal(rollback, revision)
        if revision.info.kind != "rollback":
            return None
        content = content or _digest(configuration.state)
        if content == head.digest:
            return None
        rollback = revision
    return None


def _digest(state: State) -> str:
    return state_digest({address: digest(item) for address, item in state.items()})


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
