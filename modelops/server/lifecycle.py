"""Makes one worker's parts, starts them, and stops them in the order in which they need each other.

The store may be away from the beginning: then nothing is served, and the refresher goes on asking.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from random import Random

from modelops.gateway.gateway import Gateway
from modelops.gateway.table import compile_table
from modelops.gateway.upstream.client import Client
from modelops.gateway.upstream.http1 import Http1Client
from modelops.gateway.upstream.proxy import proxy_from
from modelops.ledger import Ledger, journal_folder
from modelops.server.clock import SystemClock
from modelops.server.instance import heartbeat, identify, retire
from modelops.server.observer import Observer
from modelops.server.refresh import poll, refresh
from modelops.server.runtime import Runtime
from modelops.server.settings import ServerSettings
from modelops.server.telemetry import telemetry
from modelops.server.totals import merge_loop
from modelops.store import open_store


def build(settings: ServerSettings) -> Runtime:
    """Return the parts of a worker, not started yet; must be called inside the event loop."""
    store = open_store(settings.store_url)
    clock = SystemClock()
    random = Random()  # noqa: S311  # for ids and backoff, not for secrets
    journals = journal_folder(settings.store_url, Path(settings.state_directory))
    ledger = Ledger(store, journals)
    nothing = compile_table(0, {}, lambda _address, _field: None)
    observer = Observer(ledger)
    identity = identify(clock)
    traced = telemetry(os.environ, observer, clock, identity.instance)
    gateway = Gateway(
        nothing,
        client=_upstream_client(os.environ),
        recorder=traced or observer,
        clock=clock,
        random=random,
        workers=settings.workers,
    )
    return Runtime(
        settings=settings,
        identity=identity,
        store=store,
        ledger=ledger,
        observer=observer,
        gateway=gateway,
        clock=clock,
        random=random,
        telemetry=traced,
    )


def _upstream_client(environment: Mapping[str, str]) -> Client:
    proxy = proxy_from(environment)
    if proxy is None:
        return Http1Client()
    from modelops.gateway.upstream.proxied import ProxiedClient  # takes 0.2 s that others spare

    return ProxiedClient(proxy)


@contextlib.asynccontextmanager
async def running(runtime: Runtime) -> AsyncIterator[None]:
    """Start the parts, and stop them in the order in which they need each other."""
    runtime.ledger.start()
    await refresh(runtime)
    work = (poll(runtime), heartbeat(runtime), merge_loop(runtime))
    tasks = [asyncio.create_task(each) for each in work]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        await runtime.gateway.close()
        await runtime.ledger.close(deliver=not runtime.store_error)
        if runtime.telemetry is not None:
            await asyncio.to_thread(runtime.telemetry.close)
        if not runtime.store_problem():
            await retire(runtime)
        await runtime.store.close()
