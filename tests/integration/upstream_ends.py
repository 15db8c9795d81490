"""How tests see that connections have ended, and how soon."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from faulty_upstream import FaultyUpstream

GRACE = 0.05
"""Seconds within which a cancelled call must have ended its connection."""

TRIES = 3
"""How often that is measured; the best counts, because this machine has other work too."""


def open_sockets() -> int:
    """Return how many sockets this process has open."""
    found = 0
    for entry in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            found += str(entry.readlink()).startswith("socket:")
    return found


async def end_of(task: asyncio.Task[Any], upstream: FaultyUpstream) -> float:
    """Cancel a call; return the seconds until the upstream saw the end of its one connection."""
    cancelled_at = asyncio.get_running_loop().time()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.wait_for(until(lambda: upstream.open == 0), 5.0)
    return upstream.ended_at[-1] - cancelled_at


async def until(condition: Callable[[], object]) -> None:
    """Wait for a condition, for half a minute at most."""
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.002)


async def at_rest(count: Callable[[], int]) -> None:
    """Wait until a count stands still for forty milliseconds."""
    still, last = 0, count()
    async with asyncio.timeout(30):
        while still < 20:
            await asyncio.sleep(0.002)
            still, last = (still + 1, last) if count() == last else (0, count())
