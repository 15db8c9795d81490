"""The simulator as a child of `up --simulate`: started on a free port, and never left behind."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator

import msgspec

from modelops.resources.errors import ModelopsError

STOP_S = 5.0
"""Seconds the simulator gets to end by itself."""


class Ready(msgspec.Struct, frozen=True):
    """The line the simulator prints once it answers."""

    url: str


@contextlib.contextmanager
def simulator() -> Iterator[str]:
    """Run a simulator and give its URL.

    It is in a session of its own, so that Ctrl-C reaches the server alone, which finishes what
    runs before the simulator is stopped; and it ends by itself should this process be killed.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "modelops", "simulator", "--port", "0", "--exit-with-parent"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    with process:
        try:
            yield _url(process)
        finally:
            process.terminate()
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()


def _url(process: subprocess.Popen[bytes]) -> str:
    line = process.stdout.readline() if process.stdout else b""
    try:
        return msgspec.json.decode(line, type=Ready).url
    except msgspec.MsgspecError:
        raise ModelopsError(
            "the simulator did not start", "run `modelops simulator` to see why"
        ) from None
