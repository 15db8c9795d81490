"""Stand-ins for what the gateway is handed: providers, and the way back."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from random import Random
from typing import Any

import msgspec
import resource_samples as samples
from doubles import FakeClock, Recorder
from resource_samples import agent as agent
from resource_samples import chain as chain

from modelops.gateway.call import Call, Dialect, Endpoint
from modelops.gateway.gateway import Gateway
from modelops.gateway.table import RoutingTable, compile_table
from modelops.gateway.upstream.client import Take
from modelops.gateway.upstream.errors import HeadTimeoutError, IdleTimeoutError, UpstreamError
from modelops.gateway.upstream.request import Request
from modelops.metering.attempt import Attempt
from modelops.resources import resolved
from modelops.resources.state import State, by_address
from modelops.secrets.secret import Secret


class FakeResponse:
    """A scripted response: pieces of a body, seconds of silence, or an error."""

    def __init__(
        self,
        status: int = 200,
        *pieces: bytes | float | UpstreamError,
        headers: Sequence[tuple[bytes, bytes]] = (),
        delay: float = 0.0,
    ) -> None:
        self.status = status
        self.headers = list(headers)
        self.pieces = list(pieces)
        self.delay = delay
        self.closed = False
        self.clock = FakeClock()

    def whole(self) -> bytes | None:
        return None

    async def read(self, wait: float) -> bytes:
        while self.pieces:
            piece = self.pieces.pop(0)
            if isinstance(piece, UpstreamError):
                raise piece
            if isinstance(piece, bytes):
                return piece
            self.clock.now += min(piece, wait)
            if piece > wait:
                self.pieces.insert(0, piece - wait)
                raise IdleTimeoutError("no further piece of the body came in time")
            wait -= piece
        return b""

    async def flow(self, take: Take, wait: float, longest: float) -> bool:
        end = self.clock.now + longest
        while (remaining := end - self.clock.now) > 0:
            try:
                piece = await self.read(min(wait, remaining))
            except IdleTimeoutError:
                if remaining < wait:
                    return False
                raise
            if not piece:
                return True
            if not take([piece]):
                return False
        return False

    def close(self) -> None:
        self.closed = True


class FakeClient:
    """Answers each provider's requests from its script, in order; remembers what was sent."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.scripts: dict[str, list[FakeResponse | UpstreamError]] = {}
        self.requests: list[Request] = []
        self.bounds: list[float] = []

    def script(self, provider: str, *answers: FakeResponse | UpstreamError) -> None:
        self.scripts.setdefault(f"{provider}.test", []).extend(answers)

    async def send(self, request: Request, wait: float) -> FakeResponse:
        self.requests.append(request)
        self.bounds.append(wait)
        answer = self.scripts[request.origin.host].pop(0)
        if isinstance(answer, UpstreamError):
            raise answer
        answer.clock = self.clock
        self.clock.now += min(answer.delay, wait)
        if answer.delay > wait:
            raise HeadTimeoutError("no response came in time")
        return answer

    async def close(self) -> None:
        self.scripts.clear()


class FakeReply:
    """Keeps what the client would have got, and what the books held when it ended."""

    gone = False

    def __init__(self, rows: list[Attempt]) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.pieces: list[bytes] = []
        self.finished = False
        self.rows_at: list[int] = []
        self._rows = rows
        self._length: int | None = None

    def start(self, status: int, head: bytes, length: int | None = None) -> None:
        assert not self.status, "started twice"
        self.status = status
        lines = (line.partition(": ") for line in head.decode().splitlines())
        self.headers = {name: value for name, _, value in lines}
        self._length = length

    def send(self, data: bytes) -> bool:
        if data:
            self.pieces.append(data)
            self.rows_at.append(len(self._rows))
        return True

    async def ready(self, wait: float) -> bool:
        """Return at once: this client takes everything."""
        return True

    def finish(self, data: bytes = b"") -> None:
        assert not self.finished, "finished twice"
        if data:
            self.pieces.append(data)
            self.rows_at.append(len(self._rows))
        assert self._length in (None, len(self.body)), "the announced length is wrong"
        self.finished = True

    @property
    def body(self) -> bytes:
        return b"".join(self.pieces)

    def error(self) -> dict[str, str]:
        """Return the error object of an error answer in either dialect."""
        return msgspec.json.decode(self.body, type=dict[str, object])["error"]  # type: ignore[return-value]


class Bench:
    """A gateway with its surroundings."""

    def __init__(self, table: RoutingTable) -> None:
        self.clock = FakeClock()
        self.client = FakeClient(self.clock)
        self.recorder = Recorder()
        self.gateway = Gateway(
            table,
            client=self.client,
            recorder=self.recorder,
            clock=self.clock,
            random=Random(7),  # noqa: S311  chance that repeats itself
        )

    @property
    def rows(self) -> list[Attempt]:
        return self.recorder.rows

    async def ask(
        self,
        body: object,
        *,
        endpoint: Endpoint = "/v1/chat/completions",
        dialect: Dialect = "openai",
        agent: str = "",
        headers: dict[bytes, bytes] | None = None,
    ) -> FakeReply:
        """Send one request and return what the client got."""
        reply = FakeReply(self.rows)
        content = body if isinstance(body, bytes) else msgspec.json.encode(body)
        call = Call(
            endpoint=endpoint,
            dialect=dialect,
            body=content,
            headers=headers or {},
            agent=agent,
            request_id="0" * 31 + "1",
            received_at_us=self.clock.unix_us(),
        )
        await self.gateway.answer(call, reply)
        return reply


def provider(name: str, **changes: Any) -> resolved.Provider:
    """Return a provider at https://NAME.test that speaks the OpenAI protocol."""
    return samples.provider(name, **({"base_url": f"https://{name}.test/v1"} | changes))


def model(reference: str, **changes: Any) -> resolved.Model:
    """Return a priced chat model, named provider/model."""
    known: dict[str, Any] = {
        "context_window": 100_000,
        "max_output_tokens": 4096,
        "capabilities": ("tools",),
        "price": samples.price(1, output=Decimal(2)),
    }
    return samples.model(reference, **(known | changes))


def settings(default_chain: str = "") -> resolved.Settings:
    """Return the settings of a configuration."""
    return samples.settings(config="test", default_chain=default_chain)


def state(*resources: resolved.Resource) -> State:
    """Return the state these resources make."""
    return by_address(resources)


def table(*resources: resolved.Resource, simulator_url: str = "") -> RoutingTable:
    """Compile resources; every key opens to `key-of-ADDRESS`."""
    return compile_table(
        3,
        state(*resources),
        lambda address, _: Secret(f"key-of-{address}"),
        simulator_url=simulator_url,
    )


def two_targets(**chain_changes: object) -> RoutingTable:
    """Return the table of a chain `pair` of one/a and two/b."""
    return table(
        provider("one"),
        provider("two"),
        model("one/a"),
        model("two/b"),
        chain("pair", "one/a", "two/b", **chain_changes),
        settings("pair"),
    )


def completion(text: str = "hi", **usage: object) -> bytes:
    """Return a whole chat completion."""
    return msgspec.json.encode(
        {
            "id": "c1",
            "object": "chat.completion",
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": text},
                    "finish_reason": "stop",
                }
            ],
            "usage": usage or {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
        }
    )


OK = (200, completion())


def story(reply: FakeReply) -> str:
    """Return what an answer says of the calls behind it."""
    return reply.headers["x-modelops-attempts"]


def chunk(delta: dict[str, object], finish: str | None = None, **more: object) -> bytes:
    """Return one event of a chat stream."""
    event = {
        "id": "c1",
        "object": "chat.completion.chunk",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
        **more,
    }
    return b"data: " + msgspec.json.encode(event) + b"\n\n"


ROLE = chunk({"role": "assistant", "content": ""})
HELLO = chunk({"content": "Hello"})
WORLD = chunk({"content": " world"})
STOP = chunk({}, "stop")
USAGE = (
    b'data: {"id":"c1","object":"chat.completion.chunk","choices":[],'
    b'"usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}}\n\n'
)
DONE = b"data: [DONE]\n\n"
ASK = {"model": "pair", "messages": [{"role": "user", "content": "hi"}]}
ASK_STREAM = {**ASK, "stream": True}


def error(message: str = "sorry", **fields: object) -> bytes:
    """Return an error body in the OpenAI shape."""
    return msgspec.json.encode({"error": {"message": message, **fields}})
