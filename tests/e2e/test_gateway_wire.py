"""What only sockets show: events that arrive as they are said, and clients that leave."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from e2e_programs import PATIENCE_S, Running, eventually, ledger, running

WORDS = 20
PACED = f"static-{WORDS}x30ms"
LONG = "static-1000x100ms"
PROVIDERS = ("openai", "anthropic")
PATHS = {"chat": "/v1/chat/completions", "messages": "/v1/messages"}

LEFT_WITHIN_S = 1.0
"""Seconds in which a provider hears that a client left."""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder: Path = tmp_path_factory.mktemp("wire")
    (folder / "providers.d").mkdir()
    (folder / "modelops.yaml").write_text("config: wire\n")
    models = "".join(f"  - {{model: {model}}}\n" for model in (PACED, LONG, "sim-hang"))
    for name in PROVIDERS:
        path = folder / "providers.d" / f"{name}.yaml"
        path.write_text(f"provider: {name}\nmodels:\n{models}")
    with running("up", "-C", folder, "--simulate", "--port", "0") as started:
        yield started


@contextlib.contextmanager
def asking(program: Running, dialect: str, model: str, *, stream: bool) -> Iterator[socket.socket]:
    """Send a request; leave when the context ends."""
    address = urlsplit(program.url)
    said = [{"role": "user", "content": "Hello"}]
    fields = {"model": model, "max_tokens": 5000, "messages": said, "stream": stream}
    body = json.dumps(fields).encode()
    head = f"POST {PATHS[dialect]} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: {len(body)}\r\n"
    with socket.create_connection((address.hostname, address.port), PATIENCE_S) as client:
        client.sendall(head.encode() + b"content-type: application/json\r\n\r\n" + body)
        yield client


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("dialect", PATHS)
def test_events_arrive_as_they_are_said(program: Running, dialect: str, provider: str) -> None:
    arrived: list[float] = []
    with asking(program, dialect, f"{provider}/{PACED}", stream=True) as client:
        received = b""
        while not received.endswith(b"0\r\n\r\n"):
            piece = client.recv(1 << 16)
            assert piece, received[-300:]
            received += piece
            arrived.append(time.monotonic())
    assert received.startswith(b"HTTP/1.1 200 ")
    assert len(arrived) > WORDS / 2, "they come one by one, a few together on a busy machine"
    assert arrived[-1] - arrived[0] > WORDS * 0.030 / 2, "and over the time in which they are said"


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("dialect", PATHS)
@pytest.mark.parametrize(
    ("model", "stream"),
    [(LONG, True), ("sim-hang", True), ("sim-hang", False)],
    ids=["in a stream", "before a stream", "before an answer"],
)
def test_a_client_that_leaves_ends_the_call(
    program: Running, dialect: str, provider: str, model: str, stream: bool
) -> None:
    served = ledger(program)
    before = served["requests"]
    with asking(program, dialect, f"{provider}/{model}", stream=stream) as client:
        eventually(lambda: ledger(program)["open"], lambda count: count == 1)
        if stream and model == LONG:
            client.recv(1 << 16)
    left = time.monotonic()
    after = eventually(lambda: ledger(program), lambda seen: seen["open"] == 0)
    assert time.monotonic() - left < LEFT_WITHIN_S
    assert after["requests"] == before + 1
    assert after["entries"][-1]["outcome"] == "client_gone"
