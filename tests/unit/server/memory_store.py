"""A store in memory, for a worker to test with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import row_samples

from modelops.metering.attempt import Attempt
from modelops.resources.resolved import (
    Settings,
)
from modelops.resources.state import State
from modelops.resources.state import settings as find_settings
from modelops.secrets.sealed import SealedSecret
from modelops.store.blocks import attempts_of
from modelops.store.books import (
    AttemptCursor,
    Block,
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
        self.kept: list[Attempt] = []
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
        return self.snapshots[-1]

    async def revisions(self, limit: int, before: int | None = None) -> Sequence[Revision]:
        if self.away:
            raise StoreError(self.away, "bring it back")
        heads = [snapshot.head for snapshot in reversed(self.snapshots) if snapshot.head.revision]
        wanted = [head for head in heads if before is None or head.revision < before]
        return [_revision(head) for head in wanted[:limit]]

    async def commit(self, base: Head, changes: Changes, info: CommitInfo) -> Revision:
        raise AssertionError("no test here commits")

    async def add_attempts(self, attempts: Sequence[Attempt]) -> None:
        self.kept.extend(attempts)

    async def add_journalled(self, blocks: Sequence[Block], mark: JournalMark) -> None:
        for block in blocks:
            self.kept.extend(attempts_of(block))

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
        return list(self.rows.values())

    async def put_probe_result(self, result: ProbeResult) -> None:
        self.probes[result.provider] = result

    async def probe_results(self) -> Sequence[ProbeResult]:
        if self.away:
            raise StoreError(self.away)
        return list(self.probes.values())

    async def settings(self) -> Settings | None:
        return find_settings(self.snapshots[-1].state)

    async def usage(self, selection: Selection) -> Sequence[UsageGroup]:
        self.selections.append(selection)
        return []

    async def list_attempts(
        self, selection: Selection, limit: int, after: AttemptCursor | None = None
    ) -> Sequence[Attempt]:
        self.selections.append(selection)
        newest = sorted(
            self.kept, key=lambda row: (row.started_at_us, row.attempt_id), reverse=True
        )
        behind = [
            row for row in newest if after is None or (row.started_at_us, row.attempt_id) < after
        ]
        return behind[:limit]

    async def close(self) -> None:
        self.away = "closed"


def _revision(head: Head) -> Revision:
    info = row_samples.info(
        config=head.config,
        environment=head.environment,
        config_digest=head.config_digest,
        created_at_us=1_700_000_000_000_000 + head.revision,
        git_commit="9ac1e2f",
    )

    return Revision(revision=head.revision, base=head.revision - 1, digest=head.digest, info=info)
