"""Run an operation on a store: opened for it, closed after it, in an event loop of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from modelops.store import open_store
from modelops.store.protocol import ConfigStore

T = TypeVar("T")


def using(url: str, operation: Callable[[ConfigStore], Awaitable[T]]) -> T:
    """Return what an operation on the store at `url` returns."""
    return asyncio.run(_using(url, operation))


async def _using(url: str, operation: Callable[[ConfigStore], Awaitable[T]]) -> T:
    store = open_store(url)
    try:
        return await operation(store)
    finally:
        await store.close()
