"""The simulator as a process: announces its URL, serves, and ends when it is told to.

It ends on SIGINT and SIGTERM, and, when asked, as soon as the process that started it is gone:
the kernel says so on Linux, elsewhere the parent's id is watched.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Callable

import msgspec

from modelops.resources.errors import ModelopsError
from modelops.simulator.http import listening
from modelops.simulator.simulator import Simulator

PARENT_POLL_SECONDS = 0.5
PR_SET_PDEATHSIG = 1
"""From linux/prctl.h: the signal a process gets when its parent dies."""


def run(
    simulator: Simulator,
    *,
    host: str,
    port: int,
    exit_with_parent: bool,
    announce: Callable[[str], None],
) -> None:
    """Serve until a signal comes; `announce` gets one line of JSON once requests are taken."""
    parent = os.getppid()
    if exit_with_parent and sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    main = _serve(simulator, host, port, parent if exit_with_parent else None, announce)
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(main)


async def _serve(
    simulator: Simulator,
    host: str,
    port: int,
    parent: int | None,
    announce: Callable[[str], None],
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    async with contextlib.AsyncExitStack() as stack:
        try:
            url = await stack.enter_async_context(listening(simulator, host, port))
        except OSError as error:
            raise ModelopsError(
                f"the simulator cannot listen on {host}:{port}: {error.strerror or error}",
                "choose another with --port, or 0 for any",
            ) from None
        announce(msgspec.json.encode({"url": url}).decode())
        while not stop.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), PARENT_POLL_SECONDS if parent else None)
            if parent is not None and os.getppid() != parent:
                return


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    if sys.platform == "win32":
        return None
    import uvloop

    return uvloop.new_event_loop
