"""State of all workers, read from the store.

Every worker gives the same answer: what all of them last wrote, every two seconds. A worker that
runs alone reports its own state as of now. While the store is away, the counts of the others are
unknown; then there is no sum, rather than one that depends on which worker answers. It is not even
asked then, so that what asks here (`/metrics`) gets its answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec

from modelops.operations.status import alive
from modelops.operations.worker_report import WorkerReport
from modelops.server.instance import row
from modelops.server.runtime import Runtime
from modelops.server.totals import total
from modelops.store.protocol import Instance, StoreError

ASK_S = 2.0
"""Seconds for the store to answer; to end a call to a silent Postgres takes two more. Prometheus
scrapes for ten."""


class Fleet(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of all workers; a store that takes no rows is not up.

    `running` begins with the worker that was asked, as of now. `counted` is what all that ever ran
    have counted, None when that is not known now.
    """

    running: tuple[Instance, ...]
    counted: WorkerReport | None
    store_up: bool


async def fleet(runtime: Runtime) -> Fleet:
    """Return what this worker can tell of all of them."""
    own = row(runtime)
    rows = await _rows(runtime)
    if rows is None:
        known = None if runtime.ended is None else total([own, *runtime.ended])
        return Fleet(running=(own,), counted=known, store_up=False)
    others = [other for other in rows if other.instance != own.instance]
    running = alive(others, own.seen_at_us)
    runtime.ended = None if running else others
    counted = total(rows if running else [own, *others])
    store_up = not (runtime.store_problem() or runtime.ledger.store_error)
    return Fleet(running=(own, *running), counted=counted, store_up=store_up)


async def _rows(runtime: Runtime) -> Sequence[Instance] | None:
    """Return what all workers last wrote, None when the store does not say so soon."""
    if runtime.store_error:
        return None
    try:
        async with asyncio.timeout(ASK_S):
            return await runtime.store.instances()
    except (StoreError, TimeoutError):
        return None
