"""The system's clock, in the shape the gateway and the ledger are handed."""

from __future__ import annotations

import asyncio
import time


class SystemClock:
    """Time as it passes here."""

    monotonic = staticmethod(time.monotonic)
    """Return seconds that only ever rise: asked ten times a request, so without a frame between."""

    def unix_us(self) -> int:
        """Return Unix time in microseconds."""
        return time.time_ns() // 1000

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)
