"""Run an operation on a store: opened for it, closed after it, in an event loop of its own.

Commands that write bring an older store up to date first; those that only read say that it is old.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from modelops.operations import location
from modelops.operations.plan import PlanningStore
from modelops.store import migrate, open_revisions, open_store
from modelops.store.books import MaintenanceStore
from modelops.store.opening import is_remote
from modelops.store.protocol import StoreOlderError

T = TypeVar("T")


def using(url: str, operation: Callable[[PlanningStore], Awaitable[T]]) -> T:
    """Return what an operation on the store at `url` returns."""
    results: list[T] = []
    asyncio.run(_using(url, operation, results))
    return results[0]


def using_books(url: str, operation: Callable[[MaintenanceStore], Awaitable[T]]) -> T:
    """Return what an operation on the books of the store at `url` returns; a database's alone."""

    async def run() -> T:
        store = open_store(url)
        try:
            return await operation(store)
        finally:
            await store.close()

    return asyncio.run(run())


def is_simulated(url: str) -> bool:
    """Return whether a store keeps no secrets, being that of `up --simulate` or its server's."""
    if not is_remote(url):
        return location.is_simulated(url)

    from modelops.store.remote import RemoteStore

    async def ask() -> bool:
        store = open_revisions(url)
        return isinstance(store, RemoteStore) and await store.simulated()

    return asyncio.run(ask())


async def renew(url: str) -> None:
    """Bring a store of an older version up to date; one that does not exist is not made.

    That of a running server is the server's to bring up to date.
    """
    if is_remote(url):
        return
    store = open_revisions(url)
    try:
        await store.head()
    except StoreOlderError:
        await migrate(url)
    finally:
        await store.close()


async def _using(
    url: str, operation: Callable[[PlanningStore], Awaitable[T]], results: list[T]
) -> None:
    """Add the result to `results`: asyncio.run formats what a task returns, and drops the text.

    For a plan of 12,000 changes that repr took as long as making it.
    """
    store = open_revisions(url)
    try:
        results.append(await operation(store))
    finally:
        await store.close()
