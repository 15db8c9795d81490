"""Waiting until a revision is live in every worker: the last stage of `apply --wait`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec

from modelops.operations.status import Workers, alive
from modelops.resources.errors import ExitCode, ModelopsError
from modelops.store.protocol import Instance

LIMIT_S = 15.0
"""Seconds to wait: a worker is live within one, and a dead one is forgotten after ten."""

SETTLE_S = 2.0
"""Seconds before an error is believed: until then it may be that of the revision before."""

LOOK_S = 0.2


class NotLiveError(ModelopsError):
    """Applied, but not live everywhere (exit 6)."""

    exit_code = ExitCode.NOT_LIVE


class Liveness(msgspec.Struct, frozen=True, kw_only=True):
    """How many of the running workers serve a revision, and why others do not."""

    live: int
    workers: int
    errors: tuple[str, ...]

    def __str__(self) -> str:
        return f"live on {self.live} of {self.workers} workers"


async def wait_until_live(
    store: Workers,
    revision: int,
    *,
    unix_us: Callable[[], int],
    sleep: Callable[[float], Awaitable[None]],
) -> Liveness:
    """Return once every running worker serves `revision` or a later one.

    NotLiveError (exit 6) when one says that it cannot, when the limit is over, or when no worker
    is running at all.
    """
    begun_us = unix_us()
    while True:
        now_us = unix_us()
        seen = liveness(alive(await store.instances(), now_us), revision)
        if seen.workers and seen.live == seen.workers:
            return seen
        limit_s = SETTLE_S if seen.live + len(seen.errors) == seen.workers else LIMIT_S
        if now_us - begun_us >= limit_s * 1_000_000:
            raise _not_live(seen, revision)
        await sleep(LOOK_S)


def liveness(workers: list[Instance], revision: int) -> Liveness:
    """Return how far these workers are."""
    return Liveness(
        live=sum(worker.revision >= revision for worker in workers),
        workers=len(workers),
        errors=tuple(
            f"worker {worker.host}:{worker.pid}: {worker.error}"
            for worker in workers
            if worker.revision < revision and worker.error
        ),
    )


def _not_live(seen: Liveness, revision: int) -> NotLiveError:
    if not seen.workers:
        return NotLiveError(
            f"revision {revision} is applied, but no worker is running to serve it",
            "start one with `modelops serve`",
        )
    reasons = "; ".join(seen.errors) or f"the others did not follow within {LIMIT_S:.0f} seconds"
    return NotLiveError(f"revision {revision} is applied, but {seen}: {reasons}", "modelops status")
