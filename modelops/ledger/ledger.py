"""The gateway's way into the books: `begin` and `record` write to the journal, a task drains it.

It implements `gateway.call.Recorder` by shape. Nothing on the request road waits for the database:
a record is a copy into a mapped file. While the store is away the journal grows up to its bound, or
that of the disk; then the oldest rows lose their detail and keep their sums. Where even that gives
no room rows wait in memory, and lose their detail there.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from pathlib import Path

from modelops.ledger.adoption import Adopted, adopt_orphans
from modelops.ledger.collapse import thinned
from modelops.ledger.journal import Journal
from modelops.ledger.records import Kind
from modelops.metering.attempt import Attempt
from modelops.resources.errors import ModelopsError
from modelops.store.books import BooksStore

SYNC_S = 0.1
"""Seconds between two syncs of the journal."""

LOOK_S = 0.1
"""Seconds between two looks whether the journal is full."""

COLLAPSE_EVERY = 50
"""Such looks between two tries to collapse a full journal that gained nothing from it."""

DRAIN_S = 1.0
"""Seconds between two batches for the store: a transaction costs 1 ms, whatever its size."""

DRAIN_AT = 1_500
"""Rows that do not wait for the second to be over: so the journal need not be read back
(`reading.ROWS_MAX` are kept in memory)."""

ADOPT_EVERY = 5
"""Such batches between two looks for journals of workers that are gone."""

FORGET_AT = 16
"""Deleted segments whose marks are dropped from the store together."""

CAPACITY = 10_000
"""Rows that may wait in memory when the journal takes none: about 15 MB. Then as many are put
together as it takes to halve them, which holds the loop for 0.1 s or, where few are alike, 0.4."""


class Ledger:
    """Rows on their way to the store.

    `waiting` counts rows that are not in the store yet, `collapsed` those that lost their detail
    for want of room (their sums are kept), `lost` those that found no room at all.
    `error` is what journal or store said last, '' when both are well. `adopted` is what was found
    of workers that are gone.
    """

    def __init__(
        self,
        store: BooksStore,
        folder: Path,
        *,
        journal: Journal | None = None,
    ) -> None:
        self._store = store
        self._folder = folder
        self._journal = journal or Journal(folder)
        self._memory: deque[Attempt] = deque()
        self._offered: list[Attempt] = []
        self._tasks: tuple[asyncio.Task[None], ...] = ()
        self._stopping = asyncio.Event()
        self._due = asyncio.Event()
        self._draining = asyncio.Lock()
        self._reading = asyncio.Lock()
        self._journal_error = ""
        self._store_error = ""
        self.waiting = 0
        self.collapsed = 0
        self.lost = 0
        self.adopted = Adopted()

    @property
    def error(self) -> str:
        """What journal or store said last, '' when both are well."""
        return self._store_error or self._journal_error

    @property
    def full(self) -> bool:
        """Whether nothing takes a row any more; half of the memory is for calls under way."""
        return self._in_memory() >= CAPACITY // 2

    def begin(self, attempt: Attempt) -> None:
        """Note that a call is about to be sent; never waits and never raises.

        The attempt is the row it becomes if its end is never recorded: outcome `interrupted`.
        """
        try:
            self._journal.append(Kind.BEGIN, attempt)
        except (OSError, ValueError) as error:  # its END is tried all the same
            self._journal_error = str(error)

    def record(self, attempt: Attempt) -> None:
        """Take one finished attempt into the books; never waits and never raises."""
        try:
            self._journal.append(Kind.END, attempt)
        except ValueError as error:  # text that is no Unicode: no store takes it either
            self._journal_error = str(error)
            self.lost += 1
            return
        except OSError as error:
            self._journal_error = str(error)
            self._memory.append(attempt)
            if self._in_memory() > CAPACITY:
                self._thin_out()
        self.waiting += 1
        if self.waiting >= DRAIN_AT and not self._store_error:
            self._due.set()

    def start(self) -> None:
        """Start bringing rows to the store, syncing the journal, and giving it room.

        Each is a task of its own: a locked store is waited for, and a collapse takes seconds.
        """
        self._tasks = (
            asyncio.create_task(self._bring_for_ever(), name="ledger to store"),
            asyncio.create_task(self._sync_for_ever(), name="ledger to disk"),
            asyncio.create_task(self._make_room_for_ever(), name="ledger room"),
        )

    async def close(self) -> None:
        """Stop, and bring what waits to the store; what it does not take stays in the journal."""
        self._stopping.set()
        self._due.set()
        await asyncio.gather(*self._tasks)
        await self.drain()
        self._journal.close()
        if not self._store_error:
            await self._forget()
        self.lost += self._in_memory()
        self._offered, self._memory = [], deque()

    async def drain(self) -> None:
        """Bring what waits to the store, as far as it takes it."""
        async with self._draining:
            try:
                await self._drain_journal()
                await self._drain_memory()
            except ModelopsError as error:
                self._store_error = error.message
            else:
                self._store_error = ""
        if len(self._journal.superseded) >= FORGET_AT and not self._store_error:
            await self._forget()

    async def collapse(self) -> bool:
        """Take their detail from the oldest rows, for room; return whether that gave any."""
        async with self._reading:
            try:
                left = await asyncio.to_thread(self._journal.collapse)
            except OSError as error:
                self._journal_error = str(error)
                return False
            if left is None:
                return False
            self._journal.replace(left)
            self.waiting -= left.detail_lost
            self.collapsed += left.detail_lost
            self._check_journal()
            return True

    async def adopt(self) -> None:
        """Bring the rows of workers that are gone to the store."""
        try:
            found = await adopt_orphans(self._folder, self._journal.worker, self._store)
        except ModelopsError as error:
            self._store_error = error.message
        except OSError as error:
            self._journal_error = str(error)
        else:
            self.adopted = self.adopted + found

    def _in_memory(self) -> int:
        return len(self._offered) + len(self._memory)

    def _thin_out(self) -> None:
        """Take their detail from the rows in memory; where no two are alike the last is lost."""
        before = len(self._memory)
        self._memory = deque(thinned(self._memory, CAPACITY // 2))
        gone = before - len(self._memory)
        self.collapsed += gone
        self.waiting -= gone
        if not gone:
            self._memory.pop()
            self.waiting -= 1
            self.lost += 1

    async def _forget(self) -> None:
        """Drop the marks of segments that are gone."""
        names = list(self._journal.superseded)
        if not names:
            return
        try:
            await self._store.forget_journals(names)
        except ModelopsError as error:
            self._store_error = error.message
        else:
            del self._journal.superseded[: len(names)]

    async def _drain_journal(self) -> None:
        """Bring the rows to the store that wait in the journal now; others wait for the next time.

        It may be collapsed while the store is waited for: then what was under way is still in it,
        as it was, and is brought once more.
        """
        left = self.waiting
        while left > 0 or not self.waiting:  # without a row, calls that began are read past
            async with self._reading:
                batch = self._journal.next_batch()
            if batch is None:
                return
            if batch.blocks:
                await self._store.add_journalled(batch.blocks, batch.mark)
            async with self._reading:
                if self._journal.consumed(batch):
                    self.waiting -= batch.rows
                    left -= batch.rows

    async def _drain_memory(self) -> None:
        """Bring the rows that wait in memory to the store.

        Those it was asked to take stay apart until it has: it may have them, whatever it says, so
        the journal must not put them together with others.
        """
        while self._offered or self._memory:
            if not self._offered:
                count = min(500, len(self._memory))
                self._offered = [self._memory.popleft() for _ in range(count)]
            await self._store.add_attempts(self._offered)
            self.waiting -= len(self._offered)
            self._offered = []

    async def _bring_for_ever(self) -> None:
        """Bring rows to the store: this worker's, and those of workers that are gone."""
        rounds = 0
        while not self._stopping.is_set():
            if rounds % ADOPT_EVERY == 0:
                await self.adopt()
            await self.drain()
            rounds += 1
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._due.wait(), DRAIN_S)
            self._due.clear()

    async def _sync_for_ever(self) -> None:
        """Make what was written safe against a loss of power."""
        while not self._stopping.is_set():
            if not self._journal.synced:
                await asyncio.to_thread(self._sync)
            await self._pause(SYNC_S)

    async def _make_room_for_ever(self) -> None:
        """See that the journal takes rows."""
        looks = collapse_at = 0
        while not self._stopping.is_set():
            self._check_journal()
            self._journal.keep_reserve()
            stuck = self._store_error or self._memory
            if stuck and self._journal.crowded and looks >= collapse_at:
                collapse_at = looks + (1 if await self.collapse() else COLLAPSE_EVERY)
            looks += 1
            await self._pause(LOOK_S)

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)

    def _check_journal(self) -> None:
        """See whether a journal that took nothing does again: what waits in memory first."""
        if not self._journal_error:
            return
        try:
            self._journal.check()
            while self._memory:
                self._journal.append(Kind.END, self._memory[0])
                self._memory.popleft()
        except OSError as error:
            self._journal_error = str(error)
        else:
            self._journal_error = ""

    def _sync(self) -> None:
        try:
            self._journal.sync()
        except OSError as error:
            self._journal_error = str(error)
