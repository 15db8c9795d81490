"""Waiting for the next callback of a connection, within a bound that costs next to nothing.

A stream waits once per event, so a timer per wait would be made and cancelled thousands of times a
second. Here one timer stands for many waits: it is moved only when it rings too early.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Waiting:
    """One reader's wait. `late` makes the error that is raised when the bound has passed."""

    __slots__ = ("_late", "_limit", "_loop", "_timer", "_timer_at", "_waiter")

    def __init__(self, late: Callable[[], Exception]) -> None:
        self._late = late
        self._loop = asyncio.get_running_loop()
        self._waiter: asyncio.Future[None] | None = None
        self._limit = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0

    async def wait(self, seconds: float) -> None:
        """Return at the next `wake`; raise what `late` makes after `seconds`."""
        self._waiter = self._loop.create_future()
        self._limit = self._loop.time() + seconds
        if self._timer is None or self._timer_at > self._limit:
            self._arm()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def wake(self) -> None:
        """Let the reader go on, if one waits."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def stop(self) -> None:
        """Let go of the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self) -> None:
        self.stop()
        self._timer_at = self._limit
        self._timer = self._loop.call_at(self._limit, self._ring)

    def _ring(self) -> None:
        self._timer = None
        if self._waiter is None or self._waiter.done():
            return
        if self._loop.time() < self._limit:
            self._arm()
        else:
            self._waiter.set_exception(self._late())
