"""What no client should send, through the running server: bounded, answered, and nobody waits.

While each of them is under way an ordinary request is asked again and again, and answered.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest
from e2e_programs import PATIENCE_S, Running, eventually, ledger

BOUND_S = 5.0
"""Longest an ordinary request may take beside a bad one: generous, on a busy machine."""

HELLO: Any = [{"role": "user", "content": "Hello"}]
PATHS = {"chat": "/v1/chat/completions", "messages": "/v1/messages"}
ENDPOINTS = {
    **dict.fromkeys(("/v1/chat/completions", "/v1/responses", "/v1/embeddings"), "chat"),
    **dict.fromkeys(("/v1/messages", "/v1/messages/count_tokens"), "messages"),
}
"""Every path that takes a body, and whose errors it answers with."""
ERROR_FIELDS = {"chat": {"message", "type", "param", "code"}, "messages": {"type", "message"}}


class Seen(msgspec.Struct):
    """What a client got."""

    status: int
    document: dict[str, Any]


@pytest.fixture(autouse=True)
def others(program: Running) -> Iterator[None]:
    """Ask ordinary requests for as long as a test runs; each must be answered in time."""
    over = threading.Event()
    slowest: list[float] = []
    problems: list[str] = []

    def ask() -> None:
        while not over.is_set() or not slowest:
            begun = time.monotonic()
            try:
                answered = post(program, "chat", body()).status
            except (OSError, http.client.HTTPException) as error:
                problems.append(repr(error))
                return
            if answered != 200:
                problems.append(f"status {answered}")
            slowest.append(time.monotonic() - begun)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        yield
    finally:
        over.set()
        asking.join(PATIENCE_S)
    assert not problems
    assert max(slowest) < BOUND_S


def body(**more: Any) -> bytes:
    return json.dumps({"model": "main", "max_tokens": 16, "messages": HELLO, **more}).encode()


def post(program: Running, dialect: str, content: bytes, path: str = "") -> Seen:
    """Send a body and read the answer; `path` '' is the dialect's first."""
    address = urlsplit(program.url)
    client = http.client.HTTPConnection(str(address.hostname), address.port, timeout=PATIENCE_S)
    with contextlib.closing(client):
        client.request(
            "POST", path or PATHS[dialect], content, {"content-type": "application/json"}
        )
        answer = client.getresponse()
        return Seen(answer.status, json.load(answer))


HEAD = "POST {} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"


def head(dialect: str) -> bytes:
    return HEAD.format(PATHS[dialect]).encode()


def raw(
    program: Running, length: bytes, content: bytes, dialect: str = "chat", *, hang_up: bool = False
) -> bytes:
    """Send a body under any content-length, on a connection of its own; return what comes back.

    `hang_up`: say that no more will come, then wait for the end.
    """
    address = urlsplit(program.url)
    with socket.create_connection((address.hostname, address.port), PATIENCE_S) as client:
        pieces: list[bytes] = []
        with contextlib.suppress(ConnectionError):
            client.sendall(head(dialect) + b"content-length: %b\r\n\r\n" % length + content)
            if hang_up:
                client.shutdown(socket.SHUT_WR)
            while (hang_up or not pieces) and (piece := client.recv(1 << 16)):
                pieces.append(piece)
        return b"".join(pieces)


def told(answered: bytes) -> Seen:
    """Return status and document of an answer as it came."""
    start, _, content = answered.partition(b"\r\n\r\n")
    return Seen(int(start.split(b" ")[1]), json.loads(content))


def refused(seen: Seen, dialect: str, status: int) -> str:
    """Check that an answer is an error in a dialect's shape, and return its message."""
    assert seen.status == status, seen.document
    error = seen.document["error"]
    assert set(error) >= ERROR_FIELDS[dialect]
    if dialect == "messages":
        assert seen.document["type"] == "error"
    message: str = error["message"]
    return message


@pytest.mark.parametrize("dialect", PATHS)
def test_fifty_megabytes_of_image(program: Running, dialect: str) -> None:
    data = "A" * (50 << 20)
    image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}
    if dialect == "messages":
        source = {"type": "base64", "media_type": "image/png", "data": data}
        image = {"type": "image", "source": source}
    content = body(messages=[{"role": "user", "content": [image]}])
    assert len(content) > 50 << 20
    assert post(program, dialect, content).status == 200


@pytest.mark.parametrize("dialect", PATHS)
def test_sixty_four_megabytes_are_the_bound(program: Running, dialect: str) -> None:
    refused(told(raw(program, b"%d" % ((64 << 20) + 1), b"", dialect)), dialect, 413)


@pytest.mark.parametrize("dialect", PATHS)
def test_ten_thousand_messages(program: Running, dialect: str) -> None:
    turns = [
        {"role": ("user", "assistant")[number % 2], "content": f"turn {number}"}
        for number in range(10_001)
    ]
    assert post(program, dialect, body(messages=turns)).status == 200


@pytest.mark.parametrize("dialect", PATHS)
def test_a_thousand_tools(program: Running, dialect: str) -> None:
    schema = {"type": "object", "properties": {f"p{item}": {"type": "string"} for item in range(9)}}
    tools: list[Any] = [
        {"name": f"tool_{number}", "input_schema": schema} for number in range(1000)
    ]
    if dialect == "chat":
        tools = [
            {"type": "function", "function": {"name": tool["name"], "parameters": schema}}
            for tool in tools
        ]
    assert post(program, dialect, body(tools=tools)).status == 200


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize(
    "deep",
    [b"[" * 200_000, b'{"a":' * 200_000, b'{"messages":' + b"[" * 5000 + b"]" * 5000 + b"}"],
    ids=["open lists", "open objects", "closed lists"],
)
def test_deep_json(program: Running, path: str, deep: bytes) -> None:
    content = deep.replace(b'{"messages":', b'{"model": "main", "max_tokens": 1, "messages":')
    refused(post(program, ENDPOINTS[path], content, path), ENDPOINTS[path], 400)


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize("content", [b"\xff\xfe\x00", body().replace(b"Hello", b"\xc3\x28")])
def test_invalid_utf_8(program: Running, path: str, content: bytes) -> None:
    refused(post(program, ENDPOINTS[path], content, path), ENDPOINTS[path], 400)


@pytest.mark.parametrize("dialect", PATHS)
def test_a_key_twice_reaches_the_provider_once(program: Running, dialect: str) -> None:
    def served() -> int:
        totals = ledger(program)["totals"]
        return sum(total["requests"] for total in totals if total["model"] == "big")

    before = served()
    content = b'{"model": "openai/gpt-4o", "model": "second/big", "messages": [{"role": "user",'
    content += b' "role": "user", "content": "only me"}], "max_tokens": 1, "max_tokens": 9}'
    assert post(program, dialect, content).status == 200
    eventually(served, lambda now: now == before + 1)  # the last one counts, for the route too


def test_a_content_length_that_promises_more_than_comes(program: Running) -> None:
    assert b" 200 " not in raw(program, b"5000", body(user="never sent"), hang_up=True)
    assert "never sent" not in json.dumps(ledger(program)["entries"])


def test_a_content_length_that_promises_less_than_comes(program: Running) -> None:
    refused(told(raw(program, b"5", body(user="never sent"), hang_up=True)), "chat", 400)
    assert "never sent" not in json.dumps(ledger(program)["entries"])


@pytest.mark.parametrize("dialect", PATHS)
@pytest.mark.parametrize("length", [b"-5", b"5, 6", b"9" * 40, b"five"])
def test_a_content_length_that_is_none(program: Running, dialect: str, length: bytes) -> None:
    refused(told(raw(program, length, body(), dialect)), dialect, 400)


@pytest.mark.parametrize("dialect", PATHS)
@pytest.mark.parametrize(
    "flood",
    [b"x: " + b"a" * 70_000, b"\r\n".join([b"x: y"] * 20_000)],
    ids=["one long header", "many headers"],
)
def test_a_flood_of_headers(program: Running, dialect: str, flood: bytes) -> None:
    answered = raw(program, b"2\r\n" + flood, b"{}", dialect)
    if answered:  # else it was reset: who floods on loses the answer
        refused(told(answered), dialect, 431)


def test_two_hundred_clients_that_drip(program: Running) -> None:
    address = urlsplit(program.url)
    with contextlib.ExitStack() as open_sockets:
        clients = [
            open_sockets.enter_context(
                socket.create_connection((address.hostname, address.port), PATIENCE_S)
            )
            for _ in range(200)
        ]
        for piece in (head("chat"), b"content-length: 5000\r\n\r\n", b"{", b" ", b" "):
            for client in clients:
                client.sendall(piece)
        assert post(program, "chat", body()).status == 200
