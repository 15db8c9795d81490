"""Keeps several workers running on the same sockets, and takes them along when it ends.

uvicorn's own supervisor keeps the socket open after SIGTERM, so that new connections hang, leaves
its workers behind when it is killed, and exits with 3 for what is an error. Here workers are plain
child processes: each holds the read end of a pipe that only this process can keep open, and says
on another that it is alive.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import FrameType
from typing import IO

import msgspec
from msgspec.structs import replace

from modelops.resources.errors import ModelopsError
from modelops.server.settings import READY, ServerSettings
from modelops.server.signals import stop_signals

LOOK_S = 0.05
"""Seconds between two looks at the workers."""

START_LIMIT_S = 60.0
"""Seconds a worker may take until it answers; one is ready in 1 to 2."""

SELF_EXIT_GRACE_S = 2.0
"""Seconds by which a worker that hangs may end itself first: it can say where (`watchdog`)."""

RESTART_S = 2.0
"""Least seconds between two starts of one worker, so that a broken one does not spin."""

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Worker:
    """One child process; `serving`: it answers requests; `exit_logged`: its end is in the log.

    `heard`: it has said something, if only that it lives. `silent` counts the looks since it did
    last: looks and not seconds, so that a pause of this process, or of the whole machine, is not
    taken for one of the worker. `start_failed`: that none can be started in its place, too.
    """

    process: subprocess.Popen[bytes]
    started_at: float
    heard: bool = False
    serving: bool = False
    exit_logged: bool = False
    start_failed: bool = False
    silent: int = 0


@dataclass(slots=True)
class Stop:
    """How often a signal has asked to stop: twice means now, but for those of a terminal's end."""

    signals: int = 0

    def __call__(self, number: int, _frame: FrameType | None) -> None:
        """Take a signal."""
        if number != signal.SIGHUP or not self.signals:
            self.signals += 1


def supervise(
    settings: ServerSettings, listeners: Sequence[socket.socket], on_ready: Callable[[], None]
) -> None:
    """Run the workers until a signal; ModelopsError when one does not start."""
    stop = Stop()
    before = {number: signal.signal(number, stop) for number in stop_signals()}
    workers = [_start(settings, listeners) for _ in range(settings.workers)]
    try:
        if _wait_until_ready(workers, stop):
            on_ready()
        while not stop.signals:
            serving = [worker for worker in workers if _serves(worker)]
            told = replace(settings, waits=bool(serving))
            workers = [_keep(worker, told, listeners) for worker in workers]
            time.sleep(LOOK_S)
    finally:
        for listener in listeners:
            listener.close()
        _end(workers, stop, settings.grace_s)
        for number, handler in before.items():
            signal.signal(number, handler)


def _start(settings: ServerSettings, listeners: Sequence[socket.socket]) -> Worker:
    """Start a worker in a session of its own: Ctrl-C in a terminal is this process's to handle."""
    descriptors = [listener.fileno() for listener in listeners]
    process = subprocess.Popen(
        [sys.executable, "-m", "modelops.server.worker", *map(str, descriptors)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        pass_fds=descriptors,
        start_new_session=True,
    )
    worker = Worker(process=process, started_at=time.monotonic())
    to_worker, from_worker = _pipes(process)
    os.set_blocking(from_worker.fileno(), False)
    try:
        to_worker.write(msgspec.json.encode(settings) + b"\n")
        to_worker.flush()
    except BrokenPipeError:  # it has ended already, which the next look at it tells
        logger.debug("a worker ended before it was told what to serve")
    return worker


def _pipes(process: subprocess.Popen[bytes]) -> tuple[IO[bytes], IO[bytes]]:
    if process.stdin is None or process.stdout is None:
        raise TypeError("a worker is always started with pipes")
    return process.stdin, process.stdout


def _wait_until_ready(workers: list[Worker], stop: Stop) -> bool:
    """Wait for every worker's line; False when a signal came first."""
    while not stop.signals:
        for worker in workers:
            _look(worker)
            code = worker.process.poll()
            if code is not None:
                raise ModelopsError(
                    f"a worker ended with {_ending(code)} before it served",
                    "its own lines above say why",
                )
            if time.monotonic() - worker.started_at > START_LIMIT_S:
                raise ModelopsError(f"a worker did not answer within {START_LIMIT_S:.0f} seconds")
        if all(worker.serving for worker in workers):
            return True
        time.sleep(LOOK_S)
    return False


def _look(worker: Worker) -> None:
    """Take note of what a worker says."""
    said = _pipes(worker.process)[1].read(64)
    worker.heard = worker.heard or bool(said)
    worker.serving = worker.serving or READY in (said or b"")
    worker.silent = 0 if said else worker.silent + 1


def _serves(worker: Worker) -> bool:
    return worker.serving and worker.process.poll() is None


def _keep(worker: Worker, settings: ServerSettings, listeners: Sequence[socket.socket]) -> Worker:
    """Return the worker, or the one that replaces it when it has died or hangs.

    Where that cannot be started, the others serve on, and it is tried again.
    """
    code = worker.process.poll()
    if code is None:
        _look(worker)
        limit_s = settings.silence_s + SELF_EXIT_GRACE_S if worker.heard else START_LIMIT_S
        if worker.silent * LOOK_S >= limit_s:
            logger.error("worker %d hangs: nothing from it in %g s", worker.process.pid, limit_s)
            worker.process.kill()
            worker.silent = 0
        return worker
    if not worker.exit_logged:
        worker.exit_logged = True
        logger.error("worker %d ended with %s; starting another", worker.process.pid, _ending(code))
    if time.monotonic() - worker.started_at < RESTART_S:
        return worker
    try:
        replacement = _start(settings, listeners)
    except OSError as error:
        if not worker.start_failed:
            worker.start_failed = True
            logger.warning("no worker can be started: %s; trying again and again", error)
        worker.started_at = time.monotonic()
        return worker
    _close_pipes(worker)
    return replacement


def _end(workers: list[Worker], stop: Stop, grace_s: float) -> None:
    """Let every worker finish what it runs, up to a limit or a second signal."""
    for worker in workers:
        if worker.process.poll() is None:
            worker.process.terminate()
    deadline = time.monotonic() + grace_s + 5.0
    signals = stop.signals
    while any(worker.process.poll() is None for worker in workers):
        if time.monotonic() > deadline or stop.signals > signals:
            for worker in workers:
                worker.process.kill()
        time.sleep(LOOK_S)
    for worker in workers:
        _close_pipes(worker)


def _close_pipes(worker: Worker) -> None:
    for pipe in _pipes(worker.process):
        with contextlib.suppress(BrokenPipeError):  # of a worker that never read its settings
            pipe.close()


def _ending(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
