"""The store on a SQL database: both halves of the protocol, each call one transaction."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar

from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncConnection

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
from modelops.store.blocks import blocks_of
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
    """All of the protocol on one database; a store that is not there reads as empty."""

    def __init__(self, url: str, *, lock_wait_s: float) -> None:
        self._database = database.connect(url, lock_wait_s=lock_wait_s)
        self._current = False

    async def head(self) -> Head:
        """Return where the store stands: one row, cheap enough to poll."""
        return await self._ask(revisions.head, revisions.NO_STORE)

    async def snapshot(self, revision: int | None = None) -> Snapshot:
        """Return a revision whole, the head's by default; StoreError when there is none."""
        found = await self._ask(lambda query: revisions.snapshot(query, revision), None)
        return found or revisions.nothing(revision, self._database.place)

    async def revisions(self, limit: int, before: int | None = None) -> Sequence[Revision]:
        """Return the newest revisions first, those below `before` when it is given."""
        return await self._ask(lambda query: revisions.history(query, limit, before), [])

    async def commit(self, base: Head, changes: Changes, info: CommitInfo) -> Revision:
        """Make a new revision, all or nothing; StoreStaleError unless it stands at `base`."""
        async with self._write() as connection:
            return await committing.commit(connection, base, changes, info)

    async def add_attempts(self, rows: Sequence[Attempt]) -> None:
        """Keep these rows, each once: an attempt_id that is there already is passed over."""
        if not rows:
            return
        blocks = await blocks_of(rows)
        await self._require()
        await self._database.run(lambda opened: attempts.insert(opened, blocks), write=True)

    async def secrets(self) -> Sequence[SealedSecret]:
        """Return every sealed secret the store keeps, those of deleted resources included."""
        return await self._ask(revisions.secrets, [])

    async def put_instance(self, instance: Instance) -> None:
        """Write a worker's row."""
        async with self._write() as connection:
            await operations.put_instance(connection, instance)

    async def merge_instances(self, gone: Sequence[str], into: Instance) -> None:
        """Write a row in place of others, all or nothing; StoreStaleError when one is not there."""
        async with self._write() as connection:
            await operations.merge_instances(connection, gone, into)

    async def instances(self) -> Sequence[Instance]:
        """Return every worker's row, the one seen last first."""
        async with self._read() as connection:
            return [] if connection is None else await operations.all_instances(connection)

    async def put_probe_result(self, result: ProbeResult) -> None:
        """Write the result of a provider's connection test over the one before."""
        async with self._write() as connection:
            await operations.put_probe_result(connection, result)

    async def probe_results(self) -> Sequence[ProbeResult]:
        """Return the last result of every provider that was tested, by name."""
        async with self._read() as connection:
            return [] if connection is None else await operations.all_probe_results(connection)

    async def settings(self) -> Settings | None:
        """Return the settings of the head; None before the first apply."""
        return await self._ask(revisions.settings, None)

    async def usage(self, selection: Selection) -> Sequence[UsageGroup]:
        """Return the sums of every group that has a row."""
        async with self._read() as connection:
            return [] if connection is None else await usage.sums(connection, selection)

    async def add_journalled(self, blocks: Sequence[Block], mark: JournalMark) -> None:
        """Keep the rows of these blocks and the mark, both or neither."""

        def write(connection: Connection) -> None:
            attempts.mark(connection, mark)
            attempts.insert(connection, blocks)

        await self._require()
        await self._database.run(write, write=True)

    async def journal_marks(self) -> Mapping[str, int]:
        """Return how much of each journal is consumed."""
        async with self._read() as connection:
            return {} if connection is None else await attempts.marks(connection)

    async def forget_journals(self, names: Sequence[str]) -> None:
        """Drop the marks of journals that are deleted."""
        async with self._write() as connection:
            await attempts.forget(connection, names)

    async def agent_labels(self) -> Sequence[LabelSpan]:
        """Return the labels that every agent has and had."""
        return await self._ask(revisions.agent_labels, [])

    async def list_attempts(
        self, selection: Selection, limit: int, after: AttemptCursor | None = None
    ) -> Sequence[Attempt]:
        """Return the newest attempts of a selection that stand behind a cursor."""
        async with self._read() as connection:
            if connection is None:
                return []
            return await attempts.listed(connection, selection, limit, after)

    async def prune_attempts(self, before_us: int) -> int:
        """Delete a batch of attempts from before a UTC day, their sums being kept."""
        async with self._write() as connection:
            return await retention.prune(connection, before_us)

    async def count_attempts(self, before_us: int) -> int:
        """Return how many attempts there are that started before a time."""
        async with self._read() as connection:
            return 0 if connection is None else await retention.count(connection, before_us)

    async def adjusted(self, attempt_ids: Sequence[str]) -> Mapping[str, Adjustment]:
        """Return what the adjustments of each of these attempts add up to, where it has any."""
        async with self._read() as connection:
            return {} if connection is None else await attempts.adjusted(connection, attempt_ids)

    async def close(self) -> None:
        """Give back every connection."""
        await self._database.close()

    async def _ask(self, reader: Callable[[Query], T], nothing: T) -> T:
        """Return what a reader of `revisions.py` finds; `nothing` when there is no store yet."""
        if not await self._exists():
            return nothing
        return await self._database.run(lambda opened: reader(database.query_of(opened)))

    @asynccontextmanager
    async def _read(self) -> AsyncIterator[AsyncConnection | None]:
        """Open a transaction; None when there is no store yet."""
        if await self._exists():
            async with self._database.transaction() as connection:
                yield connection
        else:
            yield None

    @asynccontextmanager
    async def _write(self) -> AsyncIterator[AsyncConnection]:
        """Open a transaction that writes; StoreMissingError when there is no store yet."""
        await self._require()
        async with self._database.transaction(write=True) as connection:
            yield connection

    async def _require(self) -> None:
        if not await self._exists():
            raise StoreMissingError(
                f"{self._database.place} does not exist", "`modelops apply` makes it"
            )

    async def _exists(self) -> bool:
        """Say whether there is a store of this version; looked at until there is one."""
        if not self._database.exists():
            self._current = False  # what comes in its place is looked at anew
        elif not self._current:
            async with self._database.transaction() as connection:
                version = await database.schema_version(connection, self._database.place)
            if version != "":
                schema.require_current(version, self._database.place)
                self._current = True
        return self._current
