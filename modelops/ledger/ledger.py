"""The gateway's way into the books: `begin` and `record` write to the journal, a task drains it.

It implements `gateway.call.Recorder` by shape. Nothing on the request road waits for the database:
a record is a copy into a mapped file. While the store is away the journal grows up to its bound, or
that of the disk; then the oldest rows lose their detail and keep their sums. Where even that gives
no room rows wait in memory, and lose their detail there.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from pathlib import Path

from modelops.ledger.adoption import Adopted, adopt_orphans
from modelops.ledger.delivery import deliver, deliver_batch
from modelops.ledger.journal import Journal
from modelops.ledger.memory import Memory
from modelops.ledger.problems import Problems
from modelops.ledger.records import BEGIN, END
from modelops.ledger.warm_up import warm_up
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
"""So many waiting rows are delivered before the second is over, so that the journal need not be
read back (`segment_queue.ROWS_MAX` are kept in memory)."""

ADOPT_EVERY = 5
"""Such batches between two looks for journals of workers that are gone."""

FORGET_AT = 16
"""Deleted segments whose marks are dropped from the store together."""

_UNWRITABLE = (ValueError, ArithmeticError, TypeError)
"""What msgpack raises for invalid Unicode, or integers over 64 bits: no store takes them either."""


class Ledger:
    """Rows on their way to the store.

    `waiting` counts rows that are not in the store yet, `collapsed` those that lost their detail
    for want of room (their sums are kept), `lost` those that found no room at all or that no store
    takes. `error` is what is wrong now, `store_error` why the store takes no rows, '' when all is
    well. `adopted` is what was found of workers that are gone.
    """

    def __init__(self, store: BooksStore, folder: Path, *, journal: Journal | None = None) -> None:
        self._store = store
        self._folder = folder
        self._journal = journal or Journal(folder)
        self._memory = Memory()
        self._tasks: tuple[asyncio.Task[None], ...] = ()
        self._stopping = asyncio.Event()
        self._due = asyncio.Event()
        self._drain_lock = asyncio.Lock()
        self._journal_lock = asyncio.Lock()
        self._journal_error = ""
        self.store_error = ""
        self._looks = self._collapse_at = 0
        self._warm = False
        self._problems = Problems()
        self.waiting = self.collapsed = self.lost = 0
        self.adopted = Adopted()

    @property
    def error(self) -> str:
        """What journal or store said last; if both are well, a bug."""
        return self.store_error or self._journal_error or self._problems.bug

    @property
    def loss(self) -> str:
        """Why a row was lost last, as far as that is not the journal's or the store's `error`."""
        return self._problems.loss

    @property
    def full(self) -> bool:
        """Whether nothing takes a row any more; half of the memory is for calls under way."""
        return self._memory.full

    def begin(self, attempt: Attempt) -> None:
        """Note that a call is about to be sent; never waits and never raises.

        The attempt is the row it becomes if its end is never recorded: outcome `interrupted`.
        """
        try:
            self._journal.append(BEGIN, attempt)
        except OSError as error:  # its END is tried all the same
            self._journal_error = str(error)
        except _UNWRITABLE as error:  # its END is counted
            self._problems.lost([str(error)])

    def record(self, attempt: Attempt) -> None:
        """Take one finished attempt into the books; never waits and never raises."""
        try:
            self._journal.append(END, attempt)
        except OSError as error:
            self._journal_error = str(error)
            begun = attempt.attempt_id in self._journal.begun
            collapsed, lost = self._memory.append(attempt, begun=begun)
            self.collapsed += collapsed
            self.lost += lost
            self.waiting -= collapsed + lost
        except _UNWRITABLE as error:
            self._set_aside([str(error)])
            return
        self.waiting += 1
        if self.waiting >= DRAIN_AT and not (self.store_error or self._drain_lock.locked()):
            self._due.set()  # what is being delivered still counts as waiting

    def start(self) -> None:
        """Start delivering rows to the store, syncing the journal, and giving it room.

        Each is a task of its own: a locked store is waited for, and a collapse takes seconds.
        """
        work = (
            self._delivery_loop(),
            self._repeat("syncing the journal", self._sync, SYNC_S),
            self._repeat("making room in the journal", self._make_room, LOOK_S),
        )
        self._tasks = tuple(map(asyncio.create_task, work))

    async def close(self, *, deliver: bool = True) -> None:
        """Stop, and deliver what waits; what the store does not take is left in the journal."""
        self._stopping.set()
        self._due.set()
        await asyncio.gather(*self._tasks)
        if deliver:
            await self._problems.guard("bringing rows to the store", self.drain)
        self._leave_memory()
        self._journal.close()
        if deliver and not self.store_error:
            await self._forget()

    async def drain(self) -> None:
        """Deliver what waits to the store, as far as it takes it."""
        async with self._drain_lock:
            try:
                await self._drain_journal()
                await self._drain_memory()
            except ModelopsError as error:
                self.store_error = error.message
            else:
                self.store_error = ""
        if len(self._journal.superseded) >= FORGET_AT and not self.store_error:
            await self._forget()

    async def collapse(self) -> bool:
        """Take their detail from the oldest rows, for room; return whether that gave any."""
        async with self._journal_lock:
            try:
                compaction = await asyncio.to_thread(self._journal.collapse)
            except OSError as error:
                self._journal_error = str(error)
                return False
            if compaction is None:
                return False
            self._journal.replace(compaction)
            self.waiting -= compaction.detail_lost
            self.collapsed += compaction.detail_lost
            self._check_journal()
            return True

    async def adopt(self) -> None:
        """Deliver the rows of workers that are gone to the store."""
        try:
            found = await adopt_orphans(self._folder, self._journal.worker, self._store)
        except ModelopsError as error:
            self.store_error = error.message
        except OSError as error:
            self._journal_error = str(error)
        else:
            self.adopted = self.adopted + found
            if found.lost:
                self.lost += found.lost
                self._problems.lost([found.reason])

    def _set_aside(self, reasons: list[str]) -> None:
        """Count rows that no store takes."""
        self.lost += len(reasons)
        self._problems.lost(reasons)

    def _leave_memory(self) -> None:
        """Write what waits in memory to the journal: with this process it would be gone."""
        self._check_journal()
        rows, self._memory = self._memory, Memory()
        try:
            collapsed = self._journal.leave(*rows.content())
        except OSError as error:
            self.lost += rows.weight
            self.waiting -= len(rows)
            self._problems.lost_at_the_end(rows.weight, str(error))
        else:
            self.collapsed += collapsed
            self.waiting -= collapsed

    async def _forget(self) -> None:
        """Drop the marks of segments that are gone."""
        if not (names := list(self._journal.superseded)):
            return
        try:
            await self._store.forget_journals(names)
        except ModelopsError as error:
            self.store_error = error.message
        else:
            del self._journal.superseded[: len(names)]

    async def _drain_journal(self) -> None:
        """Deliver the rows that wait in the journal now; others wait for the next time.

        A batch that is collapsed meanwhile is still there, as it was, and is delivered once more.
        """
        left = self.waiting
        while left > 0 or not self.waiting:  # without a row, calls that began are read past
            async with self._journal_lock:
                batch = self._journal.next_batch()
            if batch is None:
                return
            if batch.rows >= DRAIN_AT and not self._warm:
                self._warm = True
                warm_up()
            refused = await deliver_batch(batch, self._store) if batch.rows else []
            async with self._journal_lock:
                if self._journal.consumed(batch):
                    self._set_aside(refused)
                    self.waiting -= batch.rows
                    left -= batch.rows

    async def _drain_memory(self) -> None:
        """Deliver the rows that wait in memory to the store."""
        while rows := self._memory.offer():
            self._set_aside(await deliver(rows, self._store))
            self.waiting -= len(rows)
            self._memory.taken()
            async with self._journal_lock:
                self._journal.ended(row.attempt_id for row in rows)

    async def _delivery_loop(self) -> None:
        """Deliver rows to the store: this worker's, and those of workers that are gone."""
        rounds = 0
        while not self._stopping.is_set():
            if rounds % ADOPT_EVERY == 0:
                await self._problems.guard("adopting journals", self.adopt)
            await self._problems.guard("bringing rows to the store", self.drain)
            rounds += 1
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._due.wait(), DRAIN_S)
            self._due.clear()

    async def _repeat(self, name: str, work: Callable[[], Awaitable[None]], pause_s: float) -> None:
        """Do some work again and again, until the ledger is closed."""
        while not self._stopping.is_set():
            await self._problems.guard(name, work)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause_s)

    async def _make_room(self) -> None:
        """See that the journal takes rows."""
        self._looks += 1
        self._check_journal()
        self._journal.keep_reserve()
        stuck = self.store_error or self._memory
        if stuck and self._journal.crowded and self._looks > self._collapse_at:
            gained = await self.collapse()
            self._collapse_at = self._looks + (0 if gained else COLLAPSE_EVERY - 1)

    def _check_journal(self) -> None:
        """See whether a journal that took nothing does again: what waits in memory first."""
        if not self._journal_error:
            return
        try:
            self._journal.check()
            self._memory.move(lambda row: self._journal.append(END, row))
        except OSError as error:
            self._journal_error = str(error)
        else:
            self._journal_error = ""

    async def _sync(self) -> None:
        """Make what was written safe against a loss of power."""
        if self._journal.synced:
            return
        try:
            await asyncio.to_thread(self._journal.sync)
        except OSError as error:
            self._journal_error = str(error)
