"""One worker: an event loop with uvicorn on sockets that are already bound.

In a process of its own it is started by the supervisor as `python -m modelops.server.worker FD...`:
the settings come in on standard input, which stays open as long as the supervisor lives, and one
line goes out on standard output once requests are answered. A dot goes there every second, so that
the supervisor sees the event loop turn.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from types import FrameType

import msgspec
import uvicorn
import uvloop

from modelops.server.app import create_app
from modelops.server.lifecycle import build, running
from modelops.server.logs import set_up_logging
from modelops.server.protocol import BoundedProtocol
from modelops.server.runtime import Runtime
from modelops.server.settings import READY, ServerSettings
from modelops.server.signals import stop_signals
from modelops.server.watchdog import watch

COLLECTION = (5_000, 10, 10)
"""Thresholds of the garbage collector. What was made before the first request is frozen, so it
looks at little. When it looks less often, garbage in cycles adds up (benchmarks/README.md)."""

SETTINGS_MAX = 65_536
"""Bytes of the settings a worker reads; they fit a pipe, so the supervisor never waits."""

PULSE_S = 1.0
"""Seconds between two signs of life to the supervisor."""

WAIT_S = 0.1
"""Seconds between two looks whether there is something to serve."""

CUT_S = 1.0
"""Seconds for requests that are cut off to say so."""


class SupervisorPipes:
    """The two pipes to the supervisor: one closes when it is gone, the other is told of life."""

    def __init__(self, lifeline: int, reports: int) -> None:
        self._lifeline = lifeline
        self._reports = reports
        os.set_blocking(reports, False)

    def begin(self, on_loss: Callable[[], None]) -> None:
        """Say every second that the event loop turns; call `on_loss` when nobody hears it."""
        asyncio.get_running_loop().add_reader(self._lifeline, self._listen, on_loss)
        self._pulse()

    def say_ready(self) -> None:
        """Say that requests are answered."""
        self._say(b"%b\n" % READY)

    def _pulse(self) -> None:
        self._say(b".")
        asyncio.get_running_loop().call_later(PULSE_S, self._pulse)

    def _say(self, said: bytes) -> None:
        with contextlib.suppress(BlockingIOError, BrokenPipeError):
            os.write(self._reports, said)

    def _listen(self, on_loss: Callable[[], None]) -> None:
        if os.read(self._lifeline, 1) == b"":
            asyncio.get_running_loop().remove_reader(self._lifeline)
            on_loss()


def run_worker(
    settings: ServerSettings,
    listeners: Sequence[socket.socket],
    on_ready: Callable[[], None],
    supervisor: SupervisorPipes | None = None,
) -> None:
    """Serve on `listeners` until a signal, or until the supervisor is gone."""
    uvloop.run(_serve(settings, listeners, on_ready, supervisor))


async def _serve(
    settings: ServerSettings,
    listeners: Sequence[socket.socket],
    on_ready: Callable[[], None],
    supervisor: SupervisorPipes | None,
) -> None:
    runtime = build(settings)
    async with running(runtime):
        watch(asyncio.get_running_loop(), settings.silence_s)
        server = WorkerServer(uvicorn_config(runtime), on_ready)
        if supervisor is not None:
            supervisor.begin(server.lose_supervisor)
        while settings.waits:
            if runtime.serves() or server.should_exit:
                break
            await asyncio.sleep(WAIT_S)
        await server.serve(sockets=list(listeners))


def uvicorn_config(runtime: Runtime) -> uvicorn.Config:
    """Return how uvicorn serves a worker's app."""
    return uvicorn.Config(
        create_app(runtime),
        interface="asgi3",
        http=BoundedProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,  # the socket's own address decides who is on this machine
        server_header=False,
        timeout_graceful_shutdown=runtime.settings.grace_s,
    )


class WorkerServer(uvicorn.Server):
    """uvicorn's server, with a start that is announced and a stop that is immediate.

    Told to stop, it refuses new connections at once, and does not raise the signal again.
    """

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, keep what has been made so far from the collector, and say so."""
        await super().startup(sockets)
        self._loop = asyncio.get_running_loop()
        gc.collect()
        gc.freeze()
        gc.set_threshold(*COLLECTION)
        self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop; what still runs then says that it breaks off, while what it runs on is there."""
        await super().shutdown(sockets)
        running = set(self.server_state.tasks)
        if self.force_exit:
            for task in running:
                task.cancel()
        if running:
            await asyncio.wait(running, timeout=CUT_S)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop on a signal; the command, not the signal, gives the exit code."""
        before = {number: signal.signal(number, self.handle_exit) for number in stop_signals()}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Close the listening socket now, not at the next tick, and stop."""
        super().handle_exit(sig, frame)
        if self.started:
            self._loop.call_soon_threadsafe(self._stop_listening)

    def lose_supervisor(self) -> None:
        """Stop when the supervisor is gone: nobody else would ever stop this process."""
        self.handle_exit(signal.SIGTERM, None)

    def _stop_listening(self) -> None:
        for server in self.servers:
            server.close()


def main() -> None:
    """Run as a process of the supervisor's."""
    settings = msgspec.json.decode(sys.stdin.buffer.readline(SETTINGS_MAX), type=ServerSettings)
    set_up_logging(settings.log_format)
    listeners = [socket.socket(fileno=int(number)) for number in sys.argv[1:]]
    for listener in listeners:
        listener.setblocking(False)

    pipes = SupervisorPipes(sys.stdin.fileno(), sys.stdout.fileno())
    run_worker(settings, listeners, pipes.say_ready, pipes)


if __name__ == "__main__":
    main()
