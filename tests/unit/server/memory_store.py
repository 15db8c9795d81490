"""A store in memory, for a worker to test with.

What it answers is what a database answers (`test_server_memory_store.py`), but for reports: of
those it keeps only what they ask for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import row_samples

from modelops.metering.attempt import Attempt, request_status
from modelops.resources.resolved import Settings
from modelops.resources.state import State
from modelops.resources.state import settings as find_settings
from modelops.secrets.sealed import SealedSecret
from modelops.store.blocks import attempts_of
from modelops.store.books import (
    AttemptCursor,
    Block,
    Dimension,
    JournalMark,
    LabelSpan,
    Selection,
    UsageGroup,
)
from modelops.store.protocol import (
    Changes,
    CommitInfo,
    Head,
    Instance,
    ProbeResult,
    Revision,
    Snapshot,
    StoreError,
    StoreStaleError,
)


class MemoryStore:
    """A store whose head is set by the test; `away` makes every call fail, `locked` every write."""

    place = "the store in memory"

    def __init__(self, resources: State | None = None) -> None:
        self.away = ""
        self.locked = ""
        self.kept: dict[str, Attempt] = {}
        self.snapshots: list[Snapshot] = []
        self.selections: list[Selection] = []
        self.sealed: list[SealedSecret] = []
        self.rows: dict[str, Instance] = {}
        self.probes: dict[str, ProbeResult] = {}
        self.stand(resources)

    def stand(self, resources: State | None, **head: Any) -> None:
        """Stand at a new revision with these resources; None: nothing was ever applied."""
        revision = len(self.snapshots) + 1 if resources is not None else 0
        values: dict[str, Any] = {
            "store_id": "s" if revision else "",
            "config": "acme" if revision else "",
            "revision": revision,
            "digest": f"d{revision}",
            "config_digest": f"c{revision}",
        }
        standing = row_samples.head(**(values | head))
        self.snapshots.append(Snapshot(head=standing, state=resources or {}))

    async def head(self) -> Head:
        return (await self.snapshot()).head

    async def snapshot(self, revision: int | None = None) -> Snapshot:
        if self.away:
            raise StoreError(self.away, "bring it back")
        if revision is None:
            return self.snapshots[-1]
        for snapshot in self.snapshots:
            if snapshot.head.revision == revision:
                return snapshot
        raise StoreError(f"there is no revision {revision}")

    async def revisions(self, limit: int, before: int | None = None) -> Sequence[Revision]:
        if self.away:
            raise StoreError(self.away, "bring it back")
        heads = [snapshot.head for snapshot in reversed(self.snapshots) if snapshot.head.revision]
        wanted = [head for head in heads if before is None or head.revision < before]
        return [_revision(head) for head in wanted[:limit]]

    async def commit(self, base: Head, changes: Changes, info: CommitInfo) -> Revision:
        raise AssertionError("no test here commits")

    async def add_attempts(self, attempts: Sequence[Attempt]) -> None:
        if problem := self.away or self.locked:
            raise StoreError(problem, "bring it back")
        for row in attempts:
            self.kept.setdefault(row.attempt_id, row)

    async def add_journalled(self, blocks: Sequence[Block], mark: JournalMark) -> None:
        for block in blocks:
            await self.add_attempts(list(attempts_of(block)))

    async def agent_labels(self) -> Sequence[LabelSpan]:
        return []

    async def journal_marks(self) -> Mapping[str, int]:
        return {}

    async def forget_journals(self, names: Sequence[str]) -> None:
        """Keep no marks."""

    async def secrets(self) -> Sequence[SealedSecret]:
        return self.sealed

    async def put_instance(self, instance: Instance) -> None:
        if problem := self.away or self.locked:
            raise StoreError(problem, "bring it back")
        self.rows[instance.instance] = instance

    async def merge_instances(self, gone: Sequence[str], into: Instance) -> None:
        if not self.rows.keys() >= set(gone):
            raise StoreStaleError("another worker has merged these rows")
        for instance in gone:
            del self.rows[instance]
        self.rows[into.instance] = into

    async def instances(self) -> Sequence[Instance]:
        if self.away:
            raise StoreError(self.away, "bring it back")
        return sorted(self.rows.values(), key=lambda row: (-row.seen_at_us, row.instance))

    async def put_probe_result(self, result: ProbeResult) -> None:
        self.probes[result.provider] = result

    async def probe_results(self) -> Sequence[ProbeResult]:
        if self.away:
            raise StoreError(self.away)
        return [self.probes[name] for name in sorted(self.probes)]

    async def settings(self) -> Settings | None:
        return find_settings(self.snapshots[-1].state)

    async def usage(self, selection: Selection) -> Sequence[UsageGroup]:
        self.selections.append(selection)
        return []

    async def list_attempts(
        self, selection: Selection, limit: int, after: AttemptCursor | None = None
    ) -> Sequence[Attempt]:
        self.selections.append(selection)
        chosen = [
            row
            for row in self.kept.values()
            if selection.since_us <= row.started_at_us < selection.until_us
            and selection.request_id in ("", row.request_id)
            and all(_value(row, name) in values for name, values in selection.filters.items())
            and (after is None or (row.started_at_us, row.attempt_id) < after)
        ]
        chosen.sort(key=lambda row: (row.started_at_us, row.attempt_id), reverse=True)
        return chosen[:limit]

    async def close(self) -> None:
        self.away = "closed"


def _value(row: Attempt, name: Dimension) -> str:
    match name:
        case "model":
            return f"{row.provider}/{row.model}" if row.provider else ""
        case "status":
            return request_status(row) if row.final else row.outcome
        case _:
            return str(getattr(row, name))


def _revision(head: Head) -> Revision:
    info = row_samples.info(
        config=head.config,
        environment=head.environment,
        config_digest=head.config_digest,
        created_at_us=1_700_000_000_000_000 + head.revision,
        git_commit="9ac1e2f",
    )

    return Revision(revision=head.revision, base=head.revision - 1, digest=head.digest, info=info)
