"""Waiting for the next callback of a connection, within a bound that costs next to nothing.

A stream waits once per event, so a timer per wait would be made and cancelled thousands of times a
second. Here one timer stands for many waits: it is moved only when it rings too early.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable


class Waiting:
    """One reader's wait. `late` makes the error that is raised when the bound has passed.

    `since` is when something was last heard, in the event loop's seconds: whoever has the reader
    wait on although something came moves it.
    """

    __slots__ = ("_end", "_late", "_loop", "_seconds", "_timer", "_timer_at", "_waiter", "since")

    def __init__(self, late: Callable[[], Exception]) -> None:
        self._late = late
        self._loop = asyncio.get_running_loop()
        self._waiter: asyncio.Future[None] | None = None
        self._seconds = 0.0
        self._end = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        self.since = 0.0

    def wait(self, seconds: float, longest: float = math.inf) -> asyncio.Future[None]:
        """Await the next `wake`, or `longest` seconds whatever was heard meanwhile.

        Raises what `late` makes after `seconds` of silence.
        """
        self._waiter = self._loop.create_future()
        self.since = self._loop.time()
        self._seconds = seconds
        self._end = self.since + longest
        if self._timer is None or self._timer_at > self._limit():
            self._arm()
        return self._waiter

    def wake(self) -> None:
        """Let the reader go on, if one waits."""
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def fail(self, error: Exception) -> None:
        """Raise an error where the reader waits, if one does."""
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_exception(error)

    def stop(self) -> None:
        """Let go of the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _limit(self) -> float:
        limit = self.since + self._seconds
        return limit if limit < self._end else self._end

    def _arm(self) -> None:
        self.stop()
        self._timer_at = self._limit()
        self._timer = self._loop.call_at(self._timer_at, self._ring)

    def _ring(self) -> None:
        self._timer = None
        if self._waiter is None or self._waiter.done():
            return
        now = self._loop.time()
        if now < self._limit():
            self._arm()
        elif now < self._end:
            self.fail(self._late())
        else:
            self.wake()
