"""A worker to test with: a gateway that does as told, real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest
import resource_samples as samples
from memory_store import MemoryStore
from uvicorn.server import ServerState

from modelops.gateway.call import Call, Reply
from modelops.gateway.gateway import Gateway
from modelops.gateway.health import Health
from modelops.gateway.table import compile_table
from modelops.ledger import Ledger
from modelops.resources.resolved import (
    Agent,
    Chain,
    Key,
    Model,
    Operator,
    Provider,
    Resource,
    Settings,
)
from modelops.resources.state import State, by_address
from modelops.server.clock import SystemClock
from modelops.server.observer import Observer
from modelops.server.protocol import BoundedProtocol
from modelops.server.refresh import refresh
from modelops.server.runtime import Identity, Runtime
from modelops.server.settings import ServerSettings
from modelops.server.worker import WorkerServer, uvicorn_config

Answer = Callable[[Call, Reply], Awaitable[None]]


def key(token: str, name: str = "k1", expires: str = "") -> Key:
    return Key(name=name, sha256=hashlib.sha256(token.encode()).hexdigest(), expires=expires)


def settings(**fields: Any) -> Settings:
    return samples.settings(**({"default_chain": "production"} | fields))


def operator(name: str, role: Any, *keys: Key) -> Operator:
    return Operator(operator=name, role=role, keys=keys)


def provider(name: str = "openai", **fields: Any) -> Provider:
    usual: dict[str, Any] = {
        "display_name": name.title(),
        "auth": "none",
        "api_key": "",
        "labels": {"team": "platform"},
        "key_url": "https://keys.example",
        "docs_url": "https://docs.example",
    }
    return samples.provider(name, **(usual | fields))


def model(name: str = "openai/gpt-4o", **fields: Any) -> Model:
    known: dict[str, Any] = {"context_window": 128_000, "capabilities": ("tools",)}
    return samples.model(name, **(known | fields))


def chain(name: str = "production", *targets: str) -> Chain:
    return samples.chain(name, *targets, display_name=f"{name.title()} Chain", max_attempts=4)


def agent(name: str = "dev-agent", *keys: Key, allow: tuple[str, ...] = ("chain/*",)) -> Agent:
    return samples.agent(name, chain="production", allow=allow, keys=keys)


def state(*resources: Resource) -> State:
    """Return a state of these resources over one provider, one model, one chain, one agent."""
    base = by_address([settings(), provider(), model(), chain(), agent()])
    return base | by_address(resources)


@dataclass
class ScriptedGateway:
    """Answers as the test says, and keeps what it was asked."""

    script: Answer
    calls: list[Call] = field(default_factory=list)
    table: Any = None
    services: Any = field(default_factory=lambda: SimpleNamespace(health=Health()))

    async def answer(self, call: Call, reply: Reply) -> None:
        self.calls.append(call)
        await self.script(call, reply)

    async def close(self) -> None:
        self.table = None


async def hello(_call: Call, reply: Reply) -> None:
    """Answer with a whole body."""
    body = b'{"hello":"there"}'
    reply.start(200, b"content-type: application/json\r\n", len(body))
    reply.send(body)
    reply.finish()


def make_runtime(store: MemoryStore, script: Answer = hello, **fields: Any) -> Runtime:
    values: dict[str, Any] = {"store_url": "sqlite:////nowhere/store.db", "port": 0, "grace_s": 1}
    values |= {"state_directory": "/nowhere"}
    ledger = Ledger(store, Path("/dev/null/journals"))
    return Runtime(
        settings=ServerSettings(**(values | fields)),
        store=store,
        identity=Identity(instance="i1", host="here", pid=1, started_at_us=1),
        ledger=ledger,
        observer=Observer(ledger),
        gateway=cast("Gateway", ScriptedGateway(script)),
        clock=SystemClock(),
        random=Random(1),  # noqa: S311  # tests repeat
    )


@contextlib.asynccontextmanager
async def serving(runtime: Runtime) -> AsyncIterator[int]:
    """Refresh once, serve on a free port without the poller, and give the port.

    uvicorn's protocol without its server, whose start and stop take a fifth of a second.
    """
    await refresh(runtime)
    config, connections = uvicorn_config(runtime), ServerState()
    config.load()
    server = await asyncio.get_running_loop().create_server(
        lambda: BoundedProtocol(config, connections, {}), "127.0.0.1", 0
    )
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for connection in list(connections.connections):
            connection.transport.abort()
        if connections.tasks:
            await asyncio.wait(connections.tasks)


@contextlib.asynccontextmanager
async def serving_as_worker(runtime: Runtime) -> AsyncIterator[int]:
    """Serve as a worker process does, and stop like one."""
    await refresh(runtime)
    config = uvicorn_config(runtime)
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    listener.setblocking(False)
    ready = asyncio.Event()
    server = WorkerServer(config, ready.set)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        await ready.wait()
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        await task


class Ears:
    """Knows what the server has heard, so that a client can send piece by piece."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._heard = 0
        receive = BoundedProtocol.data_received

        def listen(protocol: BoundedProtocol, data: bytes) -> None:
            receive(protocol, data)
            self._heard += len(data)

        monkeypatch.setattr(BoundedProtocol, "data_received", listen)

    async def hear(self, writer: asyncio.StreamWriter, piece: bytes) -> None:
        """Send a piece, and return once the server has taken it."""
        heard = self._heard + len(piece)
        writer.write(piece)
        async with asyncio.timeout(10):
            while self._heard < heard:
                await asyncio.sleep(0)


@dataclass(frozen=True)
class Answered:
    """An HTTP answer, read to the end of the connection or of its body."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return msgspec.json.decode(self.body)


async def ask(
    port: int,
    path: str = "/v1/chat/completions",
    *,
    method: str = "POST",
    headers: Iterable[str] = (),
    body: bytes | None = b"{}",
    host: str = "127.0.0.1",
) -> Answered:
    """Send one request byte by byte as given, and read the answer."""
    lines = [f"{method} {path} HTTP/1.1", "connection: close", *headers]
    if not any(line.lower().startswith("host:") for line in lines):
        lines.append(f"host: {host}:{port}")
    if body is not None and method != "GET":
        lines.append(f"content-length: {len(body)}")
        if not any(line.lower().startswith("content-type:") for line in lines):
            lines.append("content-type: application/json")
    head = "\r\n".join(lines) + "\r\n\r\n"
    return await exchange(port, head.encode("latin-1") + (body or b"" if method != "GET" else b""))


def request(port: int, body: bytes = b"{}", length: int | None = None) -> bytes:
    """Return a chat request, which says another length than its body's if it is given one."""
    announced = len(body) if length is None else length
    return (
        f"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n"
        "connection: close\r\ncontent-type: application/json\r\n"
        f"content-length: {announced}\r\n\r\n"
    ).encode() + body


async def exchange(port: int, data: bytes) -> Answered:
    """Send bytes as they are, and read until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(data)
        return parse(await reader.read())
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


def parse(answer: bytes) -> Answered:
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    pairs = (line.split(": ", 1) for line in lines)
    headers = {name.lower(): value for name, value in pairs}
    if headers.get("transfer-encoding") == "chunked":
        body = b"".join(_chunks(body))
    return Answered(int(first.split(" ")[1]), headers, body)


def _chunks(body: bytes) -> Iterable[bytes]:
    while body:
        size, _, body = body.partition(b"\r\n")
        length = int(size, 16)
        yield body[:length]
        body = body[length + 2 :]


def compiled(resources: State) -> Any:
    return compile_table(1, resources, lambda _address, _field: None)
