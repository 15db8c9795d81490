"""Keeps a worker at the store's head: asks for it, compiles what is new, swaps it in whole.

Where the two roads meet. Requests never wait for this: while the store is away, or when a revision
does not compile, the last good one goes on serving and the worker says why it stays behind.
"""

from __future__ import annotations

import asyncio
import logging
import os
from pathlib import Path
from typing import NoReturn

from modelops.resources.errors import ModelopsError
from modelops.server.live import Live, compile_live
from modelops.server.opener import Opener, files_changed
from modelops.server.runtime import Runtime
from modelops.server.simulated import offer
from modelops.store.protocol import Head, StoreDamagedError, StoreError

POLL_S = 0.25
"""Seconds between two looks at the head: one row, 0.5 ms; live within a second of an apply."""

LOOK_AGAIN_S = 10.0
"""Seconds until a revision that did not compile, or files that hold secrets, are read again."""

logger = logging.getLogger(__name__)


async def poll(runtime: Runtime) -> NoReturn:
    """Refresh for ever."""
    while True:
        await asyncio.sleep(POLL_S)
        await refresh(runtime)


async def refresh(runtime: Runtime) -> None:
    """Look at the head once, and go live with it when it is new."""
    try:
        head = await runtime.store.head()
    except StoreError as error:
        _note_store(runtime, error.message)
        return
    if not head.store_id and runtime.live is not None and runtime.live.head.store_id:
        _note_store(runtime, f"{runtime.store.place} is not there any more")
        return
    if not await _is_news(runtime, head):
        _note_store(runtime, "")
        return
    try:
        live = await _compile(runtime, head)
    except StoreDamagedError as error:  # the store answers: it is this revision
        _note_failure(runtime, head, error.message)
    except StoreError as error:
        _note_store(runtime, error.message)
        return
    except ModelopsError as error:
        _note_failure(runtime, head, error.message)
    except Exception:  # a bug must not end the refresher
        _note_failure(runtime, head, "it does not compile; the log says why")
        logger.exception("compiling revision %d failed", head.revision)
    else:
        runtime.failed = None
        _look_again_later(runtime)
        runtime.go_live(live)
        _note_revision(runtime, "")
        if live.head.revision:
            logger.info("revision %d is live", live.head.revision)
        else:
            missing = "holds nothing" if live.head.store_id else "does not exist"
            what = "it" if runtime.settings.waits else "the first apply"
            logger.info("%s %s: waiting for %s", runtime.store.place, missing, what)
        for name, why in live.broken().items():
            logger.warning("provider %s cannot be called: %s", name, why)
    _note_store(runtime, "")


async def _is_news(runtime: Runtime, head: Head) -> bool:
    """Whether the head changed or a retry is due."""
    live = runtime.live
    time_to_look = runtime.clock.monotonic() >= runtime.look_again_at
    if runtime.failed is not None and same(head, runtime.failed):
        return time_to_look
    if live is None or not same(head, live.head):
        return True
    _note_revision(runtime, "")
    if not time_to_look or not live.secret_files:
        return False
    _look_again_later(runtime)
    return await asyncio.to_thread(files_changed, live.secret_files, os.environ)


async def _compile(runtime: Runtime, head: Head) -> Live:
    """Read the head's revision and compile it beside the event loop."""
    check_environment(head, runtime.settings.environment)
    snapshot = await runtime.store.snapshot()
    sealed = await runtime.store.secrets()
    opener = Opener(snapshot, sealed, Path(runtime.settings.state_directory), os.environ)
    simulator_url = runtime.settings.simulator_url
    live = await asyncio.to_thread(compile_live, snapshot, opener, simulator_url)
    if simulator_url:
        await asyncio.to_thread(offer, simulator_url, live.models.values())
    return live


def check_environment(head: Head, environment: str) -> None:
    """ModelopsError when the store belongs to another environment than the server was told."""
    if head.revision and environment and head.environment != environment:
        raise ModelopsError(
            f"the store belongs to environment {head.environment!r}, not {environment!r}",
            "name the store of that environment with --store, or its environment with --env",
        )


def same(one: Head, other: Head) -> bool:
    """Whether two heads stand for the same revision of the same store."""
    return (one.store_id, one.revision, one.digest) == (
        other.store_id,
        other.revision,
        other.digest,
    )


def _look_again_later(runtime: Runtime) -> None:
    runtime.look_again_at = runtime.clock.monotonic() + LOOK_AGAIN_S


def _note_failure(runtime: Runtime, head: Head, reason: str) -> None:
    """Keep that a head cannot be served, and why."""
    runtime.failed = head
    _look_again_later(runtime)
    _note_revision(runtime, f"revision {head.revision} cannot be served: {reason}")


def _note_store(runtime: Runtime, error: str) -> None:
    if error != runtime.store_error:
        runtime.store_error = error
        if error:
            logger.warning("the store does not answer: %s", error)
        else:
            logger.info("the store answers again")


def _note_revision(runtime: Runtime, error: str) -> None:
    if error != runtime.revision_error:
        runtime.revision_error = error
        if error:
            logger.warning("%s", error)
