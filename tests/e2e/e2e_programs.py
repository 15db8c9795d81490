"""Starts the program as a user does, and talks to what it started."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec

Value = TypeVar("Value")

PATIENCE_S = 30.0
"""Seconds anything gets that is expected to happen: generous, because nothing measures it."""


class Running(msgspec.Struct, frozen=True):
    """A program that answers requests; `simulator_url` '' when it has none."""

    url: str
    simulator_url: str = ""


def run(
    *arguments: str | Path,
    env: Mapping[str, str] | None = None,
    before: Callable[[], None] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        command(*arguments),
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
        preexec_fn=before,
    )


@contextlib.contextmanager
def running(*arguments: str | Path) -> Iterator[Running]:
    """Run a program that serves, for as long as the context is open; it must then end with 0."""
    with subprocess.Popen(
        command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise AssertionError(f"{arguments} did not start: {process.communicate()[1]}")
        try:
            yield msgspec.json.decode(line, type=Running)
        finally:
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0, errors
        assert "Traceback" not in errors, errors


def command(*arguments: str | Path) -> list[str]:
    """Return a command line of the program under test."""
    return [sys.executable, "-m", "modelops", *map(str, arguments)]


def request(
    url: str,
    body: Any = None,
    *,
    method: str = "",
    headers: Mapping[str, str] | None = None,
) -> tuple[int, Any]:
    """Send a request with a JSON body, and return status and JSON of the answer."""
    data = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
    asked = urllib.request.Request(  # noqa: S310 - URLs of programs this test started
        url,
        data=data,
        method=method or ("GET" if data is None else "POST"),
        headers={"content-type": "application/json", **(headers or {})},
    )
    try:
        with urllib.request.urlopen(asked, timeout=PATIENCE_S) as answer:  # noqa: S310
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def fail(program: Running, **fault: Any) -> None:
    """Make the simulator behind a program fail."""
    status, _ = request(f"{program.simulator_url}/_simulator/faults", fault)
    assert status == 200


def heal(program: Running) -> None:
    """Take every fault away."""
    request(f"{program.simulator_url}/_simulator/faults", method="DELETE")


def ledger(program: Running) -> dict[str, Any]:
    """Return what the simulator behind a program served."""
    served: dict[str, Any] = request(f"{program.simulator_url}/_simulator/ledger")[1]
    return served


def eventually(look: Callable[[], Value], wanted: Callable[[Value], bool]) -> Value:
    """Look until what is seen is what is wanted; AssertionError when patience ends."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        seen = look()
        if wanted(seen):
            return seen
        assert time.monotonic() < deadline, f"still {seen}"
        time.sleep(0.05)
