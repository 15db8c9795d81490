"""Requests to a simulator without sockets, and what comes back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from modelops.simulator.simulator import Exchange, Simulator

OPENAI = {"authorization": "Bearer key"}
ANTHROPIC = {"x-api-key": "key", "anthropic-version": "2023-06-01"}


def simulator() -> Simulator:
    """Return a simulator whose clock stands still."""
    return Simulator(seed=7, clock=lambda: 1_800_000_000.0)


def send(
    sim: Simulator,
    url: str,
    body: Any = None,
    headers: Mapping[str, str] = OPENAI,
    method: str = "POST",
) -> Exchange:
    """Send a request and return its exchange; `body` is encoded as JSON unless it is bytes."""
    data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    return sim.exchange(method, url.encode(), headers, data)


def written(exchange: Exchange) -> bytes:
    """Return the bytes of an exchange."""
    return b"".join(step for step in exchange.delivery.steps if isinstance(step, bytes))


def status(exchange: Exchange) -> int:
    """Return the status of an answer."""
    return int(written(exchange).split(b" ", 2)[1])


def headers(exchange: Exchange) -> dict[str, str]:
    """Return the headers of an answer."""
    lines = written(exchange).partition(b"\r\n\r\n")[0].decode().split("\r\n")[1:]
    return dict(line.split(": ", 1) for line in lines)


def body(exchange: Exchange) -> Any:
    """Return the JSON of a whole answer."""
    return json.loads(written(exchange).partition(b"\r\n\r\n")[2])


def payload(exchange: Exchange) -> bytes:
    """Return the bytes of a streamed answer, out of their chunks."""
    rest = written(exchange).partition(b"\r\n\r\n")[2]
    data = b""
    while rest:
        length, _, rest = rest.partition(b"\r\n")
        size = int(length, 16)
        data += rest[:size]
        rest = rest[size + 2 :]
    return data


def events(exchange: Exchange) -> list[Any]:
    """Return the JSON payloads of a stream of server-sent events."""
    lines = payload(exchange).decode().splitlines()
    found = [line[6:] for line in lines if line.startswith("data: ") and line != "data: [DONE]"]
    return [json.loads(line) for line in found]


def chat(text: str = "Hello there", **fields: Any) -> dict[str, Any]:
    """Return the body of a chat completion."""
    return {"model": "gpt-4o", "messages": [{"role": "user", "content": text}], **fields}


def messages(text: str = "Hello there", **fields: Any) -> dict[str, Any]:
    """Return the body of an Anthropic request."""
    asked = [{"role": "user", "content": text}]
    return {"model": "claude-sonnet-4-5", "max_tokens": 1000, "messages": asked, **fields}
