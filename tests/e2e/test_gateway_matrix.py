"""Every failure of a provider, through the running server: what the client sees of it.

Each failure meets plain and streamed requests, in both dialects, with a healthy target behind the
failing one and without; the failing one speaks the caller's protocol or, `translated`, another.
Every cell has providers of its own, so no cell cools another's.
"""

from __future__ import annotations

import itertools
import json
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest
from e2e_programs import PATIENCE_S, Running, fail, running
from gateway_matrix import TABLE
from in_process import call

STALE = "stale-connection"
"""A connection the provider closes unseen: it needs one that was kept, so its cells take turns."""

SLOW = frozenset({"hang", "slow-head", "stall"})
DIALECTS = ("chat", "messages", "translated")
CELLS = list(itertools.product(("plain", "stream"), DIALECTS, ("backed", "alone")))
PATHS = {
    "chat": "/v1/chat/completions",
    "messages": "/v1/messages",
    "translated": "/v1/messages",
}
PROTOCOLS = {
    "chat": ("openai", "anthropic"),
    "messages": ("anthropic", "openai"),
    "translated": ("openai", "anthropic"),
}
"""By dialect, the protocols of the failing target and of the healthy one."""

AFTER_CONTENT = {"messages": {"after_events": 5}}
"""Anthropic says three events before the first word, OpenAI one."""


def cell_name(failure: str, how: str, dialect: str, behind: str) -> str:
    return f"f-{failure}-{how}-{dialect}-{behind}"


class Gate(msgspec.Struct):
    """The server under test."""

    url: str


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    folder = tmp_path_factory.mktemp("matrix")
    with socket.socket() as unused, running("simulator", "--port", "0") as simulator:
        unused.bind(("127.0.0.1", 0))
        addresses = {
            "connection-refused": f"http://127.0.0.1:{unused.getsockname()[1]}",
            "unknown-host": "https://no-such-host.invalid",
            "no-tls": simulator.url.replace("http://", "https://"),
        }
        _configure(folder, simulator.url, addresses)
        store = f"sqlite:///{folder}/state.db"
        key = {"MODELOPS_SECRET_MATRIX": "matrix"}
        applied = call("apply", "-C", folder, "--store", store, "--yes", env=key)
        assert applied.returncode == 0, applied.stderr
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("MODELOPS_SECRET_MATRIX", "matrix")
            with running("serve", "--store", store, "--port", "0") as server:
                program = Running(url=server.url, simulator_url=simulator.url)
                for failure, expected in TABLE.items():
                    if expected.fault:
                        for cell in CELLS:
                            name = cell_name(failure, *cell)
                            fault = {**AFTER_CONTENT.get(cell[1], {}), **expected.fault}
                            fail(program, provider=name, **fault)
                yield Gate(server.url)


def _configure(folder: Path, simulator: str, addresses: dict[str, str]) -> None:
    (folder / "providers.d").mkdir()
    (folder / "chains.d").mkdir()
    (folder / "modelops.yaml").write_text("config: matrix\n")
    for failure in TABLE:
        for how, dialect, behind in CELLS:
            name = cell_name(failure, how, dialect, behind)
            timeout = "1s" if failure in SLOW else "20s"
            address = addresses.get(failure, f"{simulator}/{name}")
            _provider(folder, name, address, PROTOCOLS[dialect][0])
            once = f"max_retries: 0, timeout: {timeout}, answer_timeout: {timeout}"
            targets = [f"{{model: {name}/m, {once}}}"]
            if behind == "backed":
                _provider(folder, f"h{name[1:]}", f"{simulator}/h{name[1:]}", PROTOCOLS[dialect][1])
                targets.append(f"{{model: h{name[1:]}/m, timeout: 20s}}")
            listed = "".join(f"  - {target}\n" for target in targets)
            text = f"chain: {name}\ndeadline: 60s\ntargets:\n{listed}"
            (folder / "chains.d" / f"{name}.yaml").write_text(text)


def _provider(folder: Path, name: str, address: str, protocol: str) -> None:
    (folder / "providers.d" / f"{name}.yaml").write_text(
        f"provider: {name}\nprotocol: {protocol}\nbase_url: {address}\nauth: bearer\n"
        "api_key: {env: MODELOPS_SECRET_MATRIX}\nmodels: [{model: m}]\n"
    )


class Seen(msgspec.Struct):
    """What a client got."""

    status: int
    headers: dict[str, str]
    body: bytes


def ask(gate: Gate, failure: str, how: str, dialect: str, behind: str) -> Seen:
    return ask_for(gate, cell_name(failure, how, dialect, behind), how, dialect)


def ask_for(gate: Gate, model: str, how: str, dialect: str) -> Seen:
    body = {
        "model": model,
        "max_tokens": 100,
        "messages": [{"role": "user", "content": "write 20 words"}],
        "stream": how == "stream",
    }
    request = urllib.request.Request(  # noqa: S310 - the server this test started
        gate.url + PATHS[dialect],
        data=json.dumps(body).encode(),
        headers={"content-type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:  # noqa: S310
            return Seen(answer.status, dict(answer.headers.items()), answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return Seen(error.code, dict(error.headers.items()), error.read())


def problem(seen: Seen, failure: str, how: str, dialect: str, behind: str) -> str:
    """Return what is wrong with a cell, '' when nothing is."""
    expected = TABLE[failure]
    wanted = expected.streamed if how == "stream" else expected.plain
    story = seen.headers.get("x-modelops-attempts", "")
    told = f"{seen.status} {story} {seen.body[-300:]!r}"
    broken = _is_error(seen.body, dialect)
    if how in expected.survived:
        return "" if seen.status == 200 and not broken else f"not survived: {told}"
    if wanted == 200 and seen.status == 200 and "x-modelops-fallback" not in seen.headers:
        return "" if broken else f"no error event at the end: {told}"
    if behind == "backed" and not expected.caller:
        rescued = seen.status == 200 and not broken and f"={expected.story}, " in story
        return "" if rescued else f"not made good: {told}"
    if seen.status != (502 if wanted == 200 else wanted):
        return f"not {wanted}: {told}"
    right = broken and f"={expected.story}" in story
    return "" if right else f"wrong error or story: {told}"


def _is_error(body: bytes, dialect: str) -> bool:
    """Whether a body is, or ends with, an error in a dialect's shape."""
    last = body.rstrip().split(b"\n\n")[-1].split(b"data: ")[-1]
    try:
        document = msgspec.json.decode(last)
    except msgspec.DecodeError:
        return False
    if not isinstance(document, dict) or not isinstance(document.get("error"), dict):
        return False
    if dialect != "chat" and document.get("type") != "error":
        return False
    return bool(document["error"].get("message")) and "type" in document["error"]


@pytest.mark.parametrize("failure", [failure for failure in TABLE if failure != STALE])
def test_what_a_failure_becomes(gate: Gate, failure: str) -> None:
    with ThreadPoolExecutor(len(CELLS)) as pool:
        seen = list(pool.map(lambda cell: ask(gate, failure, *cell), CELLS))
        problems = {
            " ".join(cell): wrong
            for cell, answer in zip(CELLS, seen, strict=True)
            if (wrong := problem(answer, failure, *cell))
        }
    assert not problems


@pytest.mark.parametrize("cell", CELLS, ids=" ".join)
def test_a_stale_connection_is_nobodys_failure(gate: Gate, cell: tuple[str, str, str]) -> None:
    name = f"h{cell_name('400', 'plain', 'chat', 'backed')[1:]}/m"
    assert ask_for(gate, name, "plain", "chat").status == 200, "its connection is kept"
    seen = ask(gate, STALE, *cell)
    assert not problem(seen, STALE, *cell)
    assert seen.headers["x-modelops-attempts"] == f"{cell_name(STALE, *cell)}/m=200"
