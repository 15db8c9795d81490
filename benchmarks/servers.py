"""The servers a benchmark starts, each pinned to a core, and what the kernel says they used."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

TICK = os.sysconf("SC_CLK_TCK")
PAGE_MB = os.sysconf("SC_PAGE_SIZE") / 1e6
SERVER_CORE = "0"
LOAD_CORE = "1"
KEY = "mo_bench_0000000000000000"

CHAINS = {
    "bench": "first/static",
    "paced": "first/static-100x10ms",
    "quiet": "first/static-100x100ms",
    "translated": "claude/static",
    "translated-paced": "claude/static-100x10ms",
}
"""The chains of the server under test, and the first target of each; the second is the same."""

PACED = {"static": "static-100x10ms", "bench": "paced", "translated": "translated-paced"}
"""What a model or chain is called whose streams are paced, by the end of its usual name."""


class Server(NamedTuple):
    """A server under test: where its chat endpoint is, and the root of its process tree.

    `headers` are further lines of each request, each ended by CRLF.
    """

    name: str
    host: str
    port: int
    path: str
    pid: int
    model: str
    key: str = KEY
    headers: str = ""


def free_port() -> int:
    """Return a loopback port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def running(
    command: Sequence[str], core: str, port: int, environment: dict[str, str] | None = None
) -> Iterator[int]:
    """Run a program pinned to a core until the block ends; yields its PID once the port answers."""
    with started(command, core, environment) as process:
        wait_for(port, process)
        yield process.pid


@contextlib.contextmanager
def started(
    command: Sequence[str],
    core: str,
    environment: dict[str, str] | None = None,
    stdout: int = subprocess.DEVNULL,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program pinned to a core until the block ends."""
    process = subprocess.Popen(
        ["taskset", "-c", core, *command],
        env={**os.environ, **(environment or {})},
        stdout=stdout,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(20)


def wait_for(port: int, process: subprocess.Popen[bytes], seconds: float = 60.0) -> None:
    """Return when something accepts on the port; RuntimeError when the program ended instead."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args!r} ended with {process.returncode}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
            return
        time.sleep(0.05)
    raise RuntimeError(f"nothing accepts on port {port} after {seconds:.0f} s")


def tree(pid: int) -> list[int]:
    """Return a process and all its descendants that live."""
    found = [pid]
    for parent in found:
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{parent}/task").iterdir():
                found += [int(child) for child in (task / "children").read_text().split()]
    return found


def cpu_seconds(pid: int) -> float:
    """Return user and system time of a process tree so far."""
    total = 0.0
    for member in tree(pid):
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{member}/stat").read_text().rpartition(")")[2].split()
            total += (int(fields[11]) + int(fields[12])) / TICK
    return total


def resident_mb(pid: int) -> float:
    """Return the resident size of a process tree in 10**6 bytes."""
    return sum(resident for resident, _ in _pages(pid)) * PAGE_MB


def anonymous_mb(pid: int) -> float:
    """Return the part of it that no file backs: the journal's pages come and go by themselves."""
    return sum(resident - mapped for resident, mapped in _pages(pid)) * PAGE_MB


def _pages(pid: int) -> Iterator[tuple[int, int]]:
    """Return by process how many pages are resident, and how many of them are of files."""
    for member in tree(pid):
        with contextlib.suppress(OSError):
            _, resident, mapped, *_ = Path(f"/proc/{member}/statm").read_text().split()
            yield int(resident), int(mapped)


@contextlib.contextmanager
def simulator() -> Iterator[tuple[int, int]]:
    """Run the upstream on the load's core; yields its port and its PID."""
    port = free_port()
    with running(
        [sys.executable, "-m", "modelops", "simulator", "--port", str(port)], LOAD_CORE, port
    ) as pid:
        yield port, pid


@contextlib.contextmanager
def floor(name: str, application: str, upstream: int) -> Iterator[Server]:
    """Run one bare pass-through under uvicorn."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", f"benchmarks.floor:{application}", "--port"]
    options = [str(port), "--loop", "uvloop", "--http", "httptools", "--no-access-log"]
    target = {"PASS_TO": f"http://127.0.0.1:{upstream}/bench/chat/completions"}
    with running([*command, *options, "--log-level", "warning"], SERVER_CORE, port, target) as pid:
        yield Server(name, "127.0.0.1", port, "/", pid, "")


@contextlib.contextmanager
def modelops(folder: Path, upstream: int) -> Iterator[Server]:
    """Plan, apply and serve a configuration with everything on: keys, chain, breaker, books."""
    write_configuration(folder, upstream)
    port = free_port()
    common = ["-C", str(folder)]
    program = [sys.executable, "-m", "modelops"]
    environment = {"MODELOPS_SECRET_BENCH": "sk-bench"}
    subprocess.run([*program, "apply", "--yes", *common], check=True, stdout=subprocess.DEVNULL)
    with running(
        [*program, "serve", *common, "--port", str(port)], SERVER_CORE, port, environment
    ) as pid:
        yield Server("modelops", "127.0.0.1", port, "/v1/chat/completions", pid, "bench")


def write_configuration(folder: Path, upstream: int) -> None:
    """Write chains of two targets at the simulator, and an agent with a key."""
    files = {
        "modelops.yaml": "config: bench\ndefault_chain: bench\n",
        "agents.d/bench.yaml": "agent: bench\nallow: ['chain/*']\nkeys:\n"
        f"  - {{name: k1, sha256: {hashlib.sha256(KEY.encode()).hexdigest()}}}\n",
    }
    for name, first in CHAINS.items():
        files[f"chains.d/{name}.yaml"] = (
            f"chain: {name}\ntargets:\n  - {{model: {first}}}\n  - {{model: second/static}}\n"
        )
    for name, protocol in (("first", "openai"), ("second", "openai"), ("claude", "anthropic")):
        files[f"providers.d/{name}.yaml"] = (
            f"provider: {name}\nprotocol: {protocol}\n"
            f"base_url: http://127.0.0.1:{upstream}/{name}\nauth: bearer\n"
            "api_key: {env: MODELOPS_SECRET_BENCH}\nmodels:\n"
            + "".join(
                f"  - {{model: {model}, price: {{input: 3, output: 15}}}}\n"
                for model in ("static", "static-100x10ms", "static-100x100ms")
            )
        )
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")


def request(server: Server, *, stream: bool, model: str = "") -> str:
    """Return one chat request to a server as bytes on the wire; `model` '' is its usual one."""
    usual = not model
    model = model or server.model or "static"
    if stream and usual:
        owner, separator, name = model.rpartition("::")
        model = owner + separator + PACED.get(name, name)
    body = json.dumps(
        {
            "model": model,
            "messages": [{"role": "user", "content": "Say something short."}],
            "max_tokens": 200,
            **({"stream": True} if stream else {}),
        }
    )
    return (
        f"POST {server.path} HTTP/1.1\r\nhost: {server.host}:{server.port}\r\n"
        f"authorization: Bearer {server.key}\r\ncontent-type: application/json\r\n"
        f"{server.headers}content-length: {len(body)}\r\n\r\n{body}"
    )
