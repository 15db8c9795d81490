"""The system's clock, in the shape the gateway and the ledger are handed."""

from __future__ import annotations

import asyncio
import time

from modelops.resources.times import now_us


class SystemClock:
    """Time as it passes here."""

    monotonic = staticmethod(time.monotonic)
    """Return seconds that only ever rise: asked ten times a request, so without a frame between."""

    unix_us = staticmethod(now_us)

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)
