"""A SQLite store as the config road's commands use it: what they read, by the driver alone.

Importing SQLAlchemy takes longer than planning a small change, and no read of a revision needs it.
What is written, and what is asked of the books, goes to `SqlStore`, opened when it is first asked.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any, TypeVar

from modelops.metering.attempt import Attempt
from modelops.resources.resolved import Settings
from modelops.secrets.sealed import SealedSecret
from modelops.store import revisions, schema, sqlite_file
from modelops.store.books import AttemptCursor, LabelSpan, Selection, UsageGroup
from modelops.store.protocol import Changes, CommitInfo, Head, Revision, Snapshot
from modelops.store.schema import Query

if TYPE_CHECKING:
    from modelops.store.sql_store import SqlStore

T = TypeVar("T")


class LocalStore:
    """Revisions and usage of one SQLite file; without it there is no revision, and no books."""

    def __init__(self, url: str, *, lock_wait_s: float) -> None:
        self._url = url
        self._path = sqlite_file.path_of(url)
        self._place = sqlite_file.place_of(self._path)
        self._lock_wait_s = lock_wait_s
        self._opened: SqlStore | None = None

    async def head(self) -> Head:
        """Return where the store stands."""
        return self._ask(revisions.head, revisions.NO_STORE)

    async def snapshot(self, revision: int | None = None) -> Snapshot:
        """Return a revision whole, the head's by default; StoreError when there is none."""
        found = self._ask(lambda query: revisions.snapshot(query, revision), None)
        return found or revisions.nothing(revision, self._place)

    async def revisions(self, limit: int, before: int | None = None) -> Sequence[Revision]:
        """Return the newest revisions first, those below `before` when it is given."""
        return self._ask(lambda query: revisions.history(query, limit, before), [])

    async def secrets(self) -> Sequence[SealedSecret]:
        """Return every sealed secret the store keeps, those of deleted resources included."""
        return self._ask(revisions.secrets, [])

    async def settings(self) -> Settings | None:
        """Return the settings of the head; None before the first apply."""
        return self._ask(revisions.settings, None)

    async def agent_labels(self) -> Sequence[LabelSpan]:
        """Return the labels that every agent has and had."""
        return self._ask(revisions.agent_labels, [])

    async def commit(self, base: Head, changes: Changes, info: CommitInfo) -> Revision:
        """Make a new revision, all or nothing; StoreStaleError unless it stands at `base`."""
        return await self._whole().commit(base, changes, info)

    async def usage(self, selection: Selection) -> Sequence[UsageGroup]:
        """Return the sums of every group that has a row."""
        return await self._whole().usage(selection)

    async def list_attempts(
        self, selection: Selection, limit: int, after: AttemptCursor | None = None
    ) -> Sequence[Attempt]:
        """Return the newest attempts of a selection that stand behind a cursor."""
        return await self._whole().list_attempts(selection, limit, after)

    async def close(self) -> None:
        """Give back every connection."""
        if self._opened is not None:
            await self._opened.close()

    def _whole(self) -> SqlStore:
        if self._opened is None:
            from modelops.store.sql_store import SqlStore

            self._opened = SqlStore(self._url, lock_wait_s=self._lock_wait_s)
        return self._opened

    def _ask(self, reader: Callable[[Query], T], nothing: T) -> T:
        """Return what a reader finds in one transaction; `nothing` when there is no store yet."""
        if not sqlite_file.exists(self._path):
            return nothing
        try:
            with closing(sqlite_file.connect(self._path, self._lock_wait_s)) as connection:

                def query(statement: str, values: Mapping[str, object]) -> list[Any]:
                    return connection.execute(statement, dict(values)).fetchall()

                query("BEGIN", {})
                tables = [row[0] for row in query(sqlite_file.TABLES, {})]
                found = schema.version(tables, query, self._place)
                if found == "":
                    return nothing
                schema.require_current(found, self._place)
                return reader(query)
        except sqlite3.Error as error:
            raise sqlite_file.store_error(error, self._path) from error
