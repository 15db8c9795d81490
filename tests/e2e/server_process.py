"""`modelops serve` as a process: a configuration, a simulator behind it, and how it ends."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from in_process import call

from modelops.cli.main import run

Value = TypeVar("Value")
PATIENCE_S = 60.0
"""As long as the supervisor lets a worker start. On a machine with ten busy processes that took 25
seconds, and a test that kills workers waits for one start after another.
"""


def modelops(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return call(*arguments, env=environ)


def apply(folder: Path, *options: str) -> None:
    """Apply a configuration; what is printed is the test's to read."""
    assert run(["apply", "-C", str(folder), "--yes", *options]) == 0


def write_configuration(folder: Path, simulator_url: str, note: str = "") -> None:
    """Declare two providers behind a simulator and a chain over both."""
    files = {
        "modelops.yaml": "config: acme\ndefault_chain: production\n",
        "providers.d/first.yaml": _provider("first", simulator_url),
        "providers.d/second.yaml": _provider("second", simulator_url),
        "chains.d/production.yaml": (
            f"chain: production\ndisplay_name: Production {note}\ntargets:\n"
            "  - {model: first/sim-chat, max_retries: 0}\n"
            "  - {model: second/sim-chat, max_retries: 0}\n"
        ),
        "agents.d/dev-agent.yaml": "agent: dev-agent\n",
    }
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def _provider(name: str, simulator_url: str) -> str:
    return (
        f"provider: {name}\nprotocol: openai\nbase_url: {simulator_url}/{name}\n"
        "api_key: {env: MODELOPS_SECRET_TEST}\nmodels:\n"
        "  - model: sim-chat\n  - model: static-40x25ms\n"
    )


@dataclass
class Server:
    """A process that serves, and where."""

    process: subprocess.Popen[str]
    url: str
    errors: Path

    def get(self, path: str) -> tuple[int, Any]:
        """Return status and JSON body of a GET."""
        return request(self.url, "GET", path)

    def ask(self, model: str = "production") -> tuple[int, Any]:
        """Return status and JSON body of a chat."""
        body = {"model": model, "messages": [{"role": "user", "content": "Hello"}]}
        return request(self.url, "POST", "/v1/chat/completions", body)

    def children(self) -> list[int]:
        """Return the process ids of the workers that live."""
        path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in path.read_text().split() if _lives(int(pid))]

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_S)


def _lives(pid: int) -> bool:
    """Say whether a process has not ended; one that nobody has waited for yet is still listed."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(") ")[2][0] != "Z"


def request(
    url: str, method: str, path: str, body: Any = None, read: Callable[[bytes], Any] = json.loads
) -> tuple[int, Any]:
    """Ask once, on a connection of its own; return the status and the body as `read`."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=PATIENCE_S)
    try:
        headers = {"content-type": "application/json"} if body is not None else {}
        connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        answer = connection.getresponse()
        return answer.status, read(answer.read())
    finally:
        connection.close()


@contextlib.contextmanager
def simulator() -> Iterator[str]:
    """Run a simulator and give its URL."""
    with started(["simulator", "--port", "0"], Path(os.devnull)) as (_, ready):
        yield ready["url"]


@contextlib.contextmanager
def serving(folder: Path, *options: str, **environ: str) -> Iterator[Server]:
    """Run `modelops serve` on a free port, and end it whatever happens."""
    errors = folder / "stderr.txt"
    arguments = ["serve", "-C", str(folder), "--port", "0", *options]
    with started(arguments, errors, **environ) as (process, ready):
        yield Server(process, ready["url"], errors)


@contextlib.contextmanager
def started(
    arguments: Sequence[str], errors: Path, **environ: str
) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    """Start a command that says on stdout, in a line of JSON, that it is ready."""
    with (
        errors.open("w") as stderr,
        subprocess.Popen(
            [sys.executable, "-m", "modelops", *arguments],
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            env=os.environ | {"MODELOPS_SECRET_TEST": "sk-test"} | environ,
        ) as process,
    ):
        try:
            line = process.stdout.readline() if process.stdout else ""
            assert line, f"{arguments[0]} did not start: {errors.read_text()}"
            yield process, json.loads(line)
        finally:
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(PATIENCE_S)
                except subprocess.TimeoutExpired:
                    process.kill()


def eventually(look: Any, wanted: Any) -> None:
    """Look until what is wanted is seen; fail with what was seen last."""
    deadline = time.monotonic() + PATIENCE_S
    while (seen := look()) != wanted:
        assert time.monotonic() < deadline, f"still {seen!r}, not {wanted!r}"
        time.sleep(0.02)
