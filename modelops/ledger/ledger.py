"""The gateway's way into the books: `record` takes an attempt, a task brings it to the store.

It implements `gateway.call.Recorder` by shape. Nothing on the request road waits for the database:
rows wait here, at most `capacity` of them, and go to the store in batches. While the store is away
they keep waiting; when there is no room left, the newest are counted as lost.
"""

from __future__ import annotations

import asyncio
from collections import deque

from modelops.metering.attempt import Attempt
from modelops.resources.errors import ModelopsError
from modelops.store.protocol import AttemptStore

INTERVAL_S = 0.1
BATCH = 1_000
CAPACITY = 100_000
"""Rows that may wait: about 100 MB, and more than an hour at 25 requests a second."""


class Ledger:
    """Rows on their way to the store.

    `lost` counts rows that found no room, `error` is what the store said last, '' when it is well.
    """

    def __init__(self, store: AttemptStore, *, capacity: int = CAPACITY) -> None:
        self._store = store
        self._capacity = capacity
        self._waiting: deque[Attempt] = deque()
        self._drainer: asyncio.Task[None] | None = None
        self._draining = asyncio.Lock()
        self.lost = 0
        self.error = ""

    def record(self, attempt: Attempt) -> None:
        """Take one finished attempt into the books; never waits and never raises."""
        if len(self._waiting) >= self._capacity:
            self.lost += 1
        else:
            self._waiting.append(attempt)

    @property
    def waiting(self) -> int:
        """Rows that are not in the store yet."""
        return len(self._waiting)

    def start(self) -> None:
        """Start bringing rows to the store, every tenth of a second."""
        self._drainer = asyncio.create_task(self._drain_for_ever(), name="ledger")

    async def close(self) -> None:
        """Stop, and bring what waits to the store if it takes it."""
        if self._drainer is not None:
            self._drainer.cancel()
            await asyncio.wait([self._drainer])
        await self.drain()
        self.lost += len(self._waiting)
        self._waiting.clear()

    async def drain(self) -> None:
        """Bring what waits to the store, as far as it takes it."""
        async with self._draining:
            while self._waiting:
                batch = [self._waiting[n] for n in range(min(BATCH, len(self._waiting)))]
                try:
                    await self._store.add_attempts(batch)
                except ModelopsError as error:
                    self.error = error.message
                    return
                self.error = ""
                for _ in batch:
                    self._waiting.popleft()

    async def _drain_for_ever(self) -> None:
        while True:
            await asyncio.sleep(INTERVAL_S)
            await self.drain()
