"""How many requests a provider gets at once: places, and a bounded wait for one.

Counted per worker; the limit of the configuration is shared out between the workers.
"""

from __future__ import annotations

import asyncio
from collections import deque


class Slots:
    """Places by provider name. Whoever waits longest is served first.

    The limit that was named last holds for everybody, for those who wait under another one too.
    """

    def __init__(self) -> None:
        self._used: dict[str, int] = {}
        self._limits: dict[str, int] = {}
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}

    def used(self, provider: str) -> int:
        """Return how many requests a provider has now."""
        return self._used.get(provider, 0)

    def take(self, provider: str, limit: int) -> bool:
        """Take a place if one is free."""
        if self._limits.get(provider) != limit:
            self._limits[provider] = limit
            self._hand_on(provider)
        used = self._used.get(provider, 0)
        if used < limit:
            self._used[provider] = used + 1
            return True
        return False

    async def acquire(self, provider: str, limit: int, wait: float) -> bool:
        """Take a place, waiting at most `wait` seconds for one; False when none came free."""
        if self.take(provider, limit):
            return True
        if wait <= 0:
            return False
        waiting = self._waiting.setdefault(provider, deque())
        place = asyncio.get_running_loop().create_future()
        waiting.append(place)
        try:
            async with asyncio.timeout(wait):
                await place
        except TimeoutError:
            return self._give_up(provider, place)
        except BaseException:
            if self._give_up(provider, place):
                self.release(provider)
            raise
        return True

    def release(self, provider: str) -> None:
        """Give a place back: to whoever waits longest, else to nobody."""
        self._used[provider] -= 1
        self._hand_on(provider)

    def _hand_on(self, provider: str) -> None:
        """Give the places within the limit to those who wait."""
        waiting = self._waiting.get(provider)
        while waiting and self._used[provider] < self._limits[provider]:
            place = waiting.popleft()
            if not place.done():
                self._used[provider] += 1
                place.set_result(None)

    def _give_up(self, provider: str, place: asyncio.Future[None]) -> bool:
        """Stop waiting; True when the place was given in the same moment."""
        if place.done() and not place.cancelled():
            return True
        place.cancel()
        waiting = self._waiting[provider]
        if place in waiting:
            waiting.remove(place)
        return False
