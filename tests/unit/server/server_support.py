"""A worker to test with: a store in memory, a gateway that does as told, real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any, cast

import msgspec
from uvicorn.server import ServerState

from modelops.gateway.call import Call, Reply
from modelops.gateway.gateway import Gateway
from modelops.gateway.health import Health
from modelops.gateway.table import compile_table
from modelops.ledger import Ledger
from modelops.metering.attempt import Attempt
from modelops.resources.resolved import (
    Agent,
    Chain,
    Key,
    Model,
    Operator,
    Parameters,
    Provider,
    Resource,
    Settings,
    Target,
)
from modelops.resources.state import State, by_address
from modelops.resources.state import settings as find_settings
from modelops.secrets.sealed import SealedSecret
from modelops.server.clock import SystemClock
from modelops.server.observer import Observer
from modelops.server.protocol import BoundedProtocol
from modelops.server.refresh import refresh
from modelops.server.runtime import Identity, Runtime
from modelops.server.settings import ServerSettings
from modelops.server.worker import WorkerServer, uvicorn_config
from modelops.store.books import AttemptCursor, JournalMark, LabelSpan, Selection, UsageGroup
from modelops.store.protocol import (
    Changes,
    CommitInfo,
    Head,
    Instance,
    ProbeResult,
    Revision,
    Snapshot,
    StoreError,
    StoreStaleError,
)

Answer = Callable[[Call, Reply], Awaitable[None]]


def key(token: str, name: str = "k1", expires: str = "") -> Key:
    return Key(name=name, sha256=hashlib.sha256(token.encode()).hexdigest(), expires=expires)


def settings(**fields: Any) -> Settings:
    values: dict[str, Any] = {
        "config": "acme",
        "default_chain": "production",
        "timezone": "UTC",
        "server_recipients": (),
        "operators": (),
    }
    return Settings(**(values | fields))


def operator(name: str, role: Any, *keys: Key) -> Operator:
    return Operator(operator=name, role=role, keys=keys)


def provider(name: str = "openai", **fields: Any) -> Provider:
    values: dict[str, Any] = {
        "provider": name,
        "preset": name,
        "display_name": name.title(),
        "protocol": "openai",
        "base_url": f"https://api.{name}.example/v1",
        "auth": "none",
        "api_key": "",
        "enabled": True,
        "insecure": False,
        "max_concurrent_requests": 0,
        "labels": {"team": "platform"},
        "aggregator": False,
        "token_limit_field": "max_tokens",
        "key_test": "models",
        "key_url": "https://keys.example",
        "docs_url": "https://docs.example",
        "protected": False,
    }
    return Provider(**(values | fields))


def model(name: str = "openai/gpt-4o", **fields: Any) -> Model:
    owner, _, own = name.partition("/")
    values: dict[str, Any] = {
        "provider": owner,
        "model": own,
        "upstream_model": own,
        "type": "chat",
        "context_window": 128_000,
        "max_output_tokens": None,
        "capabilities": ("tools",),
        "price": None,
        "default": False,
        "protected": False,
    }
    return Model(**(values | fields))


def chain(name: str = "production", *targets: str) -> Chain:
    return Chain(
        chain=name,
        display_name=f"{name.title()} Chain",
        aliases=(),
        requires=(),
        targets=tuple(
            Target(model=target, max_retries=2, timeout_ms=30_000, answer_timeout_ms=300_000)
            for target in targets or ("openai/gpt-4o",)
        ),
        deadline_ms=300_000,
        max_duration_ms=1_800_000,
        max_attempts=4,
        protected=False,
    )


def agent(name: str = "dev-agent", *keys: Key, allow: tuple[str, ...] = ("chain/*",)) -> Agent:
    return Agent(
        agent=name,
        display_name=name,
        chain="production",
        allow=allow,
        parameters=Parameters(max_tokens=None, temperature=None, top_p=None),
        keys=keys,
        credentials=(),
        prefer="",
        labels={},
        protected=False,
    )


def state(*resources: Resource) -> State:
    """Return a state of these resources over one provider, one model, one chain, one agent."""
    base = by_address([settings(), provider(), model(), chain(), agent()])
    return base | by_address(resources)


class MemoryStore:
    """A store whose head is set by the test; `away` makes every call fail."""

    def __init__(self, resources: State | None = None) -> None:
        self.away = ""
        self.kept: list[Attempt] = []
        self.snapshots: list[Snapshot] = []
        self.selections: list[Selection] = []
        self.sealed: list[SealedSecret] = []
        self.rows: dict[str, Instance] = {}
        self.probes: dict[str, ProbeResult] = {}
        self.stand(resources)

    def stand(self, resources: State | None, **head: Any) -> None:
        """Stand at a new revision with these resources; None: nothing was ever applied."""
        revision = len(self.snapshots) + 1 if resources is not None else 0
        values: dict[str, Any] = {
            "store_id": "s" if revision else "",
            "config": "acme" if revision else "",
            "environment": "",
            "revision": revision,
            "digest": f"d{revision}",
            "config_digest": f"c{revision}",
        }
        self.snapshots.append(Snapshot(head=Head(**(values | head)), state=resources or {}))

    async def head(self) -> Head:
        return (await self.snapshot()).head

    async def snapshot(self, revision: int | None = None) -> Snapshot:
        if self.away:
            raise StoreError(self.away, "bring it back")
        return self.snapshots[-1]

    async def revisions(self, limit: int, before: int | None = None) -> Sequence[Revision]:
        if self.away:
            raise StoreError(self.away, "bring it back")
        heads = [snapshot.head for snapshot in reversed(self.snapshots) if snapshot.head.revision]
        wanted = [head for head in heads if before is None or head.revision < before]
        return [_revision(head) for head in wanted[:limit]]

    async def commit(self, base: Head, changes: Changes, info: CommitInfo) -> Revision:
        raise AssertionError("no test here commits")

    async def add_attempts(self, attempts: Sequence[Attempt]) -> None:
        self.kept.extend(attempts)

    async def add_journalled(self, attempts: Sequence[Attempt], mark: JournalMark) -> None:
        self.kept.extend(attempts)

    async def agent_labels(self) -> Sequence[LabelSpan]:
        return []

    async def journal_marks(self) -> Mapping[str, int]:
        return {}

    async def forget_journals(self, names: Sequence[str]) -> None:
        """Keep no marks."""

    async def secrets(self) -> Sequence[SealedSecret]:
        return self.sealed

    async def put_instance(self, instance: Instance) -> None:
        if self.away:
            raise StoreError(self.away, "bring it back")
        self.rows[instance.instance] = instance

    async def merge_instances(self, gone: Sequence[str], into: Instance) -> None:
        if not self.rows.keys() >= set(gone):
            raise StoreStaleError("another worker has merged these rows")
        for instance in gone:
            del self.rows[instance]
        self.rows[into.instance] = into

    async def instances(self) -> Sequence[Instance]:
        if self.away:
            raise StoreError(self.away, "bring it back")
        return list(self.rows.values())

    async def put_probe_result(self, result: ProbeResult) -> None:
        self.probes[result.provider] = result

    async def probe_results(self) -> Sequence[ProbeResult]:
        if self.away:
            raise StoreError(self.away)
        return list(self.probes.values())

    async def settings(self) -> Settings | None:
        return find_settings(self.snapshots[-1].state)

    async def usage(self, selection: Selection) -> Sequence[UsageGroup]:
        self.selections.append(selection)
        return []

    async def list_attempts(
        self, selection: Selection, limit: int, after: AttemptCursor | None = None
    ) -> Sequence[Attempt]:
        self.selections.append(selection)
        newest = sorted(
            self.kept, key=lambda row: (row.started_at_us, row.attempt_id), reverse=True
        )
        behind = [
            row for row in newest if after is None or (row.started_at_us, row.attempt_id) < after
        ]
        return behind[:limit]

    async def close(self) -> None:
        self.away = "closed"


def _revision(head: Head) -> Revision:
    info = CommitInfo(
        kind="apply",
        config=head.config,
        environment=head.environment,
        config_digest=head.config_digest,
        created_at_us=1_700_000_000_000_000 + head.revision,
        created_by="ada@laptop",
        git_commit="9ac1e2f",
        message="",
        tool_version="0.1.0",
        catalog="2026-11-18",
        counts={"create": 1},
    )
    return Revision(revision=head.revision, base=head.revision - 1, digest=head.digest, info=info)


@dataclass
class ScriptedGateway:
    """Answers as the test says, and keeps what it was asked."""

    script: Answer
    calls: list[Call] = field(default_factory=list)
    table: Any = None
    tools: Any = field(default_factory=lambda: SimpleNamespace(health=Health()))

    async def answer(self, call: Call, reply: Reply) -> None:
        self.calls.append(call)
        await self.script(call, reply)

    async def close(self) -> None:
        self.table = None


async def hello(_call: Call, reply: Reply) -> None:
    """Answer with a whole body."""
    body = b'{"hello":"there"}'
    reply.start(200, b"content-type: application/json\r\n", len(body))
    await reply.send(body)
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
