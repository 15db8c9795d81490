"""One request in uvicorn's sense: how its body comes in and how it is answered.

uvicorn's own prepares, for every request, what only an application that uses ASGI's events needs:
its scope above all. The data plane takes the request itself (`Handler`), so here that is made on
demand, which saves it a thirtieth of its instructions.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Literal, Protocol

from litestar.types import HTTPScope
from uvicorn._types import ASGI3Application, ASGIReceiveEvent
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle
from uvicorn.server import ServerState

_CYCLE = "modelops.cycle"


class _NullEvent:
    """An event that nobody waits for."""

    def set(self) -> None:
        """Tell nobody."""


class Connection(Protocol):
    """What a request came over, as far as the request and its handler use it."""

    asgi_version: Literal["2.0", "3.0"]
    cancel_on_disconnect: bool
    client: tuple[str, int] | None
    flow: FlowControl
    headers: list[tuple[bytes, bytes]]
    parser: Any
    scheme: Literal["http", "https"] | None
    server: tuple[str, int | None] | None
    server_state: ServerState
    transport: asyncio.Transport

    def close_gracefully(self) -> None:
        """Close once the answer is out."""
        ...

    def on_response_complete(self) -> None:
        """Go on with the next request."""
        ...


class Cycle(RequestResponseCycle):
    """What stands here belongs to every request until it is changed for one.

    `connection` is what the request came over, `path` the one it asks for, decoded, and `url` the
    target as it was sent: path and query.
    """

    message_event: Any = _NullEvent()
    body: Any = b""
    more_body = True
    access_log = False
    disconnected = False
    waiting_for_100_continue = False
    response_started = False
    response_complete = False
    chunked_encoding = None
    expected_content_length = 0
    logger = logging.getLogger("uvicorn.error")

    def __init__(
        self,
        connection: Connection,
        path: str,
        url: tuple[bytes, bytes],
        http_version: str,
        *,
        keep_alive: bool,
    ) -> None:
        self.connection = connection
        self.transport = connection.transport
        self.flow = connection.flow
        self.method = connection.parser.get_method()
        self.path = path
        self.url = url
        self.http_version = http_version
        self.headers = connection.headers
        self.keep_alive = keep_alive

    async def run_asgi(self, app: ASGI3Application) -> None:
        """Have an application of ASGI answer."""
        connection = self.connection
        self.scope = self._scope()
        self.default_headers = connection.server_state.default_headers
        self.on_response = connection.on_response_complete
        await super().run_asgi(app)

    def _scope(self) -> Any:
        connection = self.connection
        raw_path, query = self.url
        return {
            "type": "http",
            "asgi": {"version": connection.asgi_version, "spec_version": "2.3"},
            "http_version": self.http_version,
            "server": connection.server,
            "client": connection.client,
            "scheme": connection.scheme,
            "method": self.method.decode("ascii"),
            "root_path": "",
            "path": self.path,
            "raw_path": raw_path,
            "query_string": query,
            "headers": self.headers,
            "state": {},
            "extensions": {_CYCLE: self},
        }

    async def receive(self) -> ASGIReceiveEvent:
        """Return ASGI's next event, as soon as there is one."""
        if isinstance(self.message_event, _NullEvent):
            self.message_event = asyncio.Event()
            if self.body or not self.more_body or self.disconnected:
                self.message_event.set()
            self.waiting_for_100_continue = not (
                self.response_started or self.disconnected
            ) and any(
                name == b"expect" and value.lower() == b"100-continue"
                for name, value in self.headers
            )
        return await super().receive()


Handler = Callable[[Cycle], Awaitable[None]]
"""Answers a request by itself, without ASGI's events."""


def take_cycle(scope: HTTPScope) -> Cycle:
    """Return the request that a scope was made of, once.

    It holds the scope, so left in there it would keep both until the collector comes by.
    """
    extensions: Any = scope["extensions"]
    cycle: Cycle = extensions.pop(_CYCLE)
    return cycle
