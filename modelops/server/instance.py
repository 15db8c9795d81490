"""What a worker says of itself in the store, so that any other can speak for all of them.

It writes its row at once when what it serves changes, and every two seconds as a sign of life. A
store that does not take the row is no reason to stop: `status` then shows the worker as gone.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import socket
from collections import Counter
from typing import NoReturn, get_args

import msgspec

from modelops.gateway.call import Endpoint
from modelops.gateway.table import Target
from modelops.operations.worker_report import TargetReport, TargetState, WorkerReport
from modelops.resources.times import MINUTE_US
from modelops.server.clock import SystemClock
from modelops.server.runtime import Identity, Runtime
from modelops.store.protocol import Instance, StoreError, StoreMissingError

HEARTBEAT_S = 2.0
LOOK_S = 0.1
"""Seconds between two looks whether what is served has changed."""

ENDPOINTS: tuple[Endpoint, ...] = get_args(Endpoint)

logger = logging.getLogger(__name__)


def identify(clock: SystemClock) -> Identity:
    """Return a new identity for this process."""
    return Identity(
        instance=secrets.token_hex(16),
        host=socket.gethostname(),
        pid=os.getpid(),
        started_at_us=clock.unix_us(),
    )


async def heartbeat(runtime: Runtime) -> NoReturn:
    """Keep this worker's row for ever."""
    said, said_at = None, 0.0
    while True:
        runtime.note_losses()
        note_books(runtime)
        runtime.clock_watch.look(runtime.clock)
        served = runtime.served_revision()
        if served != said or runtime.clock.monotonic() - said_at >= HEARTBEAT_S:
            said, said_at = served, runtime.clock.monotonic()
            await announce(runtime)
        await asyncio.sleep(LOOK_S)


def note_books(runtime: Runtime) -> None:
    """Say once that rows do not reach a store that is well otherwise, and once that they do."""
    error = runtime.ledger.store_error
    if error and not (runtime.books_error or runtime.store_problem()):
        logger.warning("the books do not reach the store: %s", error)
        runtime.books_error = error
    elif runtime.books_error and not error:
        logger.info("the books reach the store again")
        runtime.books_error = ""


async def announce(runtime: Runtime) -> None:
    """Write this worker's row, and note why it cannot be."""
    try:
        await runtime.store.put_instance(row(runtime))
    except StoreError as error:
        if isinstance(error, StoreMissingError) and not runtime.served_revision()[0]:
            return  # nothing is wrong: it waits for the first apply, which makes the store
        if not runtime.store_problem():
            logger.warning("the store cannot be written: %s", error.message)
        runtime.heartbeat_error = error.message
    else:
        if runtime.heartbeat_error:
            logger.info("the store can be written again")
        runtime.heartbeat_error = ""


async def retire(runtime: Runtime) -> None:
    """Say that this worker ends, and leave what it counted."""
    try:
        await runtime.store.put_instance(msgspec.structs.replace(row(runtime), seen_at_us=0))
    except StoreError as error:
        logger.debug("that this worker ends was not written: %s", error.message)


def row(runtime: Runtime) -> Instance:
    """Return this worker's row as of now."""
    revision, error = runtime.served_revision()
    return Instance(
        instance=runtime.identity.instance,
        host=runtime.identity.host,
        pid=runtime.identity.pid,
        started_at_us=runtime.identity.started_at_us,
        seen_at_us=runtime.clock.unix_us(),
        revision=revision,
        error=error,
        report=msgspec.json.encode(report(runtime)).decode(),
    )


def report(runtime: Runtime) -> WorkerReport:
    """Return what only this worker knows."""
    live = runtime.live
    return WorkerReport(
        targets=tuple(_targets(runtime)),
        broken=live.broken() if live else {},
        rejected=_rejected(runtime),
        waiting=runtime.ledger.waiting,
        collapsed=runtime.ledger.collapsed,
        lost=runtime.ledger.lost,
        clock_steps=runtime.clock_watch.steps,
        clock_error=runtime.clock_watch.problem(runtime.clock),
        books_error=runtime.ledger.error or runtime.ledger.loss,
        simulated=bool(runtime.settings.simulator_url),
        requests=dict(runtime.observer.counters.requests),
        refused=dict(runtime.observer.counters.refused),
        overhead=runtime.observer.counters.overhead.frozen(),
        counts=tuple(runtime.observer.counters.targets(runtime.gateway.table.models)),
    )


def _targets(runtime: Runtime) -> list[TargetReport]:
    """Return every declared target that was called lately or is left alone just now."""
    minute = runtime.clock.unix_us() // MINUTE_US
    found = []
    for name, seen in runtime.observer.seen():
        target = runtime.gateway.table.models.get(name)
        if target is None:
            continue
        calls, failures = seen.totals(minute)
        state, next_try_s, endpoints = _state(runtime, target)
        if calls or state != "ok":
            found.append(
                TargetReport(
                    target=name,
                    state=state,
                    calls=calls,
                    failures=failures,
                    endpoints=endpoints,
                    next_try_s=round(next_try_s, 1),
                    last_error=seen.last_error,
                    last_error_at_us=seen.last_error_at_us,
                )
            )
    return found


def _rejected(runtime: Runtime) -> Counter[str]:
    """Count the keys that each provider rejects; none is one that was replaced or taken away."""
    health, table = runtime.gateway.services.health, runtime.gateway.table
    found: Counter[str] = Counter()
    for provider, agent in health.rejections():
        caller, known = table.agents.get(agent), table.providers.get(provider)
        own = caller.credentials.get(provider) if caller else known.credential if known else None
        if own is not None and own.agent == agent and health.rejected(provider, own):
            found[provider] += 1
    return found


def _state(runtime: Runtime, target: Target) -> tuple[TargetState, float, tuple[str, ...]]:
    """Return a target's state, the seconds until it is called, and at which endpoints it cools."""
    health, now = runtime.gateway.services.health, runtime.clock.monotonic()
    breaker = health.breaker(target)
    if (state := breaker.state(now)) != "closed":
        return state, breaker.opens_again(now), ()
    credential = target.provider.credential
    waits = {name: health.cooling(target, credential, name, now) for name in ENDPOINTS}
    endpoints = tuple(name for name, wait in waits.items() if wait)
    if not endpoints:
        return "ok", 0.0, ()
    return "cooling", max(waits.values()), () if endpoints == ENDPOINTS else endpoints
