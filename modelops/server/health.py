"""`/healthz` and `/readyz`: what a load balancer asks, open to everybody.

The process being up is one question, serving another: a worker whose store is away serves on from
memory, so it stays ready and says `degraded`; a worker with nothing to serve is not ready. Both
answers name states, never values. Of providers they say what this worker sees: no other is asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import msgspec
from litestar import Response, get

from modelops.gateway.table import RoutingTable
from modelops.server.parts import Parts
from modelops.server.runtime import Runtime

LOSS_TOLD_S = 3600.0
"""Seconds for which `/readyz` tells of lost rows: nothing brings them back, so nobody could clear
it. `status` and `/metrics` go on counting them."""


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """The process is up."""

    status: Literal["ok"] = "ok"


class Readiness(msgspec.Struct, frozen=True, kw_only=True):
    """Whether requests are served. `problems` says what is not as it should be."""

    status: Literal["ready", "degraded", "unavailable"]
    revision: int
    problems: tuple[str, ...]


@get("/healthz", sync_to_thread=False, cache_control=None)
def healthz() -> Health:
    """Return that the process is up."""
    return Health()


@get("/readyz", sync_to_thread=False)
def readyz(runtime: Parts) -> Response[Readiness]:
    """Return whether requests are served: 200 while any can be, else 503."""
    readiness = ready(runtime)
    return Response(readiness, status_code=503 if readiness.status == "unavailable" else 200)


def ready(runtime: Runtime) -> Readiness:
    """Return the readiness of a worker."""
    live = runtime.live
    if live is None or not live.head.revision:
        return Readiness(status="unavailable", revision=0, problems=(runtime.nothing_served(),))
    problems = tuple(
        problem
        for problem in (
            runtime.store_problem(),
            runtime.revision_error,
            _books(runtime),
            runtime.clock_watch.problem(runtime.clock),
            runtime.gateway.services.health.shortage(runtime.clock.monotonic()),
        )
        if problem
    )
    problems += tuple(f"provider {name}: {reason}" for name, reason in live.broken().items())
    problems += tuple(_left_alone(runtime, live.table))
    for nothing in _nothing_served(runtime, live.table):
        return Readiness(
            status="unavailable", revision=live.head.revision, problems=(*problems, nothing)
        )
    return Readiness(
        status="degraded" if problems else "ready", revision=live.head.revision, problems=problems
    )


def _nothing_served(runtime: Runtime, table: RoutingTable) -> Iterator[str]:
    """Yield why every request is refused, if it is."""
    if not any(provider.usable for provider in table.providers.values()):
        yield "no provider is usable"
    if table.metering == "required" and runtime.ledger.full:
        yield "the books take no row any more (metering: required)"


def _left_alone(runtime: Runtime, table: RoutingTable) -> Iterator[str]:
    """Yield what this worker does not call just now though it is declared: names and states."""
    health, now = runtime.gateway.services.health, runtime.clock.monotonic()
    for name, provider in sorted(table.providers.items()):
        if kind := health.rejected(name, provider.credential):
            yield f"provider {name}: its key is not taken ({kind})"
    for name in sorted(health.open(now)):
        if name in table.models:
            yield f"model {name}: open, it failed too often"


def _books(runtime: Runtime) -> str:
    ledger, now = runtime.ledger, runtime.clock.monotonic()
    if runtime.store_problem():
        return ""
    if runtime.lost and now - runtime.lost_at < LOSS_TOLD_S:
        return f"rows are lost: {ledger.error or ledger.loss or 'nothing had room for them'}"
    return f"the books do not reach the store: {ledger.error}" if ledger.error else ""
