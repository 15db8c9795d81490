"""The store on a SQL database: both halves of the protocol, each call one transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from sqlalchemy import Connection

from modelops.metering.attempt import Attempt
from modelops.resources.resolved import Settings
from modelops.secrets.sealed import SealedSecret
from modelops.store import (
    attempts,
    committing,
    database,
    operations,
    retention,
    revisions,
    schema,
    usage,
)
from modelops.store.blocks import attempts_of, blocks_of
from modelops.store.books import (
    Adjustment,
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
    StoreMissingError,
)
from modelops.store.schema import Query

T = TypeVar("T")


class SqlStore:
    """All of the protocol on one database; without it there is no revision, and no books."""

    def __init__(self, url: str, *, lock_wait_s: float) -> None:
        self._database = database.connect(url, lock_wait_s=lock_wait_s)
        self._current = False

    @property
    def place(self) -> str:
        """How messages call the store: never with a password."""
        return self._database.place

    async def head(self) -> Head:
        """Return where the store stands: one row, cheap enough to poll."""
        return await self._ask(revisions.head, revisions.NO_STORE)

    async def snapshot(self, revision: int | None = None) -> Snapshot:
        """Return a revision whole, the head's by default; StoreError when there is none."""
        found = await self._ask(lambda query: revisions.snapshot(query, revision), None)
        return found or revisions.nothing(revision, self.place)

    async def revisions(self, limit: int, before: int | None = None) -> Sequence[Revision]:
        """Return the newest revisions first, those below `before` when it is given."""
        return await self._ask(lambda query: revisions.history(query, limit, before), [])

    async def commit(self, base: Head, changes: Changes, info: CommitInfo) -> Revision:
        """Make a new revision, all or nothing; StoreStaleError unless it stands at `base`."""
        await self._require()
        return await self._database.run(
            lambda opened: committing.commit(opened, base, changes, info),
            write=True,
            long_running=True,
        )

    async def add_attempts(self, rows: Sequence[Attempt]) -> None:
        """Keep these rows, each once: an attempt_id that is there already is passed over."""
        if not rows:
            return
        blocks = await blocks_of(rows)
        await self._write(lambda opened: attempts.insert(opened, blocks))

    async def secrets(self) -> Sequence[SealedSecret]:
        """Return every sealed secret the store keeps, those of deleted resources included."""
        return await self._ask(revisions.secrets, [])

    async def put_instance(self, instance: Instance) -> None:
        """Write a worker's row."""
        await self._write(lambda opened: operations.put_instance(opened, instance))

    async def merge_instances(self, gone: Sequence[str], into: Instance) -> None:
        """Write a row in place of others, all or nothing; StoreStaleError when one is not there."""
        await self._write(lambda opened: operations.merge_instances(opened, gone, into))

    async def instances(self) -> Sequence[Instance]:
        """Return every worker's row, the one seen last first."""
        return await self._read(operations.all_instances, [])

    async def put_probe_result(self, result: ProbeResult) -> None:
        """Write the result of a provider's connection test over the one before."""
        await self._write(lambda opened: operations.put_probe_result(opened, result))

    async def probe_results(self) -> Sequence[ProbeResult]:
        """Return the last result of every provider that was tested, by name."""
        return await self._read(operations.all_probe_results, [])

    async def settings(self) -> Settings | None:
        """Return the settings of the head; None before the first apply."""
        return await self._ask(revisions.settings, None)

    async def usage(self, selection: Selection) -> Sequence[UsageGroup]:
        """Return the sums of every group that has a row."""
        await self._require()
        return await self._database.run(
            lambda opened: usage.sums(opened, selection), long_running=True
        )

    async def add_journalled(self, blocks: Sequence[Block], mark: JournalMark) -> None:
        """Keep the rows of these blocks and the mark, both or neither."""

        def write(connection: Connection) -> None:
            attempts.mark(connection, mark)
            attempts.insert(connection, blocks)

        await self._write(write)

    async def journal_marks(self) -> Mapping[str, int]:
        """Return how much of each journal is consumed."""
        return await self._read(attempts.marks, {})

    async def forget_journals(self, names: Sequence[str]) -> None:
        """Drop the marks of journals that are deleted."""
        await self._write(lambda opened: attempts.forget(opened, names))

    async def agent_labels(self) -> Sequence[LabelSpan]:
        """Return the labels that every agent has and had."""
        return await self._ask(revisions.agent_labels, [])

    async def list_attempts(
        self, selection: Selection, limit: int, after: AttemptCursor | None = None
    ) -> Sequence[Attempt]:
        """Return the newest attempts of a selection that stand behind a cursor."""
        await self._require()
        return await self._database.run(
            lambda opened: attempts.listed(opened, selection, limit, after), long_running=True
        )

    async def prune_attempts(self, before_us: int) -> int:
        """Delete a batch of attempts from before a UTC day, their sums being kept."""
        return await self._write(lambda opened: retention.prune(opened, before_us))

    async def count_attempts(self, before_us: int) -> int:
        """Return how many attempts there are that started before a time."""
        await self._require()
        return await self._database.run(
            lambda opened: retention.count(opened, before_us), long_running=True
        )

    async def add_adjustments(self, rows: Sequence[Attempt]) -> Sequence[Attempt]:
        """Keep these rows as add_attempts does, and return those that were not there already."""
        if not rows:
            return []
        blocks = await blocks_of(rows)
        added = await self._write(lambda opened: attempts.insert(opened, blocks))
        return [row for block in added for row in attempts_of(block)]

    async def adjusted(self, attempt_ids: Sequence[str]) -> Mapping[str, Adjustment]:
        """Return what the adjustments of each of these attempts add up to, where it has any."""
        return await self._read(
            lambda opened: attempts.adjusted(opened, attempt_ids), {}, long_running=True
        )

    async def close(self) -> None:
        """Give back every connection."""
        await self._database.close()

    async def _ask(self, reader: Callable[[Query], T], nothing: T) -> T:
        """Return what a reader of `revisions.py` finds; `nothing` when there is no store yet."""
        return await self._read(lambda opened: database.read(opened, reader), nothing)

    async def _read(self, work: database.Work[T], nothing: T, *, long_running: bool = False) -> T:
        """Return what a transaction comes to; `nothing` when there is no store yet."""
        if not await self._exists():
            return nothing
        return await self._database.run(work, long_running=long_running)

    async def _write(self, work: database.Work[T]) -> T:
        """Return what a transaction that writes comes to; StoreMissingError without a store."""
        await self._require()
        return await self._database.run(work, write=True)

    async def _require(self) -> None:
        """Raise StoreMissingError without a store: sums of nothing would pass for true ones."""
        if not await self._exists():
            raise StoreMissingError(
                f"{self.place} does not exist",
                "name another with --store; `modelops apply` makes one",
            )

    async def _exists(self) -> bool:
        """Say whether there is a store of this version; looked at until there is one."""
        if not self._database.exists():
            self._current = False  # what comes in its place is looked at anew
        elif not self._current:
            version = await self._database.run(
                lambda opened: database.schema_version(opened, self.place)
            )
            if version != "":
                schema.require_current(version, self.place)
                self._current = True
        return self._current
