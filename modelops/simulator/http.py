"""The simulator's HTTP/1.1 server: httptools over asyncio transports, no framework.

It is also the upstream of load tests, so an answer is a row of callbacks, not a task. Bodies are
read whole and bounded, requests on one connection are answered in order.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import httptools

from modelops.simulator import errors
from modelops.simulator.delivery import head
from modelops.simulator.ledger import Outcome
from modelops.simulator.simulator import Exchange, Simulator
from modelops.simulator.wire import JSON_TYPE, encode

MAX_BODY = 128 * 1024 * 1024
"""The longest body that is read; a longer one is answered with 413."""

Received = tuple[str, bytes, dict[str, str], bytes]
"""Method, path with query, headers and body of a request."""

_RESET = struct.pack("ii", 1, 0)


class Connection(asyncio.Protocol):
    """One client connection."""

    def __init__(self, simulator: Simulator, connections: set[Connection]) -> None:
        self._simulator = simulator
        self._connections = connections
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        self._waiting: deque[tuple[Received, bool]] = deque()
        self._exchange: Exchange | None = None
        self._keep_alive = True
        self._step = 0
        self._due = 0.0
        self._timer: asyncio.Handle | None = None
        self._paused = False
        self._refused = False
        self.gone = asyncio.Event()
        self.on_message_begin()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport; asyncio calls this first."""
        self._transport = cast("asyncio.Transport", transport)
        self._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Note that the client has gone, in the middle of an answer or between two."""
        self._connections.discard(self)
        self.gone.set()
        if self._timer is not None:
            self._timer.cancel()
        if self._exchange is not None:
            self._end("client_gone")
        self._waiting.clear()

    def data_received(self, data: bytes) -> None:
        """Feed the parser, which calls the `on_` methods."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserCallbackError:
            raise  # a mistake of ours: asyncio reports it and drops the connection
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._refuse(400, "This is not an HTTP/1.1 request.")

    def pause_writing(self) -> None:
        """Wait with the next piece: the client reads slowly."""
        self._paused = True

    def resume_writing(self) -> None:
        """Go on with the next piece."""
        self._paused = False
        if self._exchange is not None and self._timer is None:
            self._next()

    def on_message_begin(self) -> None:
        """Begin a request."""
        self._url = b""
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []
        self._length = 0

    def on_url(self, url: bytes) -> None:
        """Take a piece of the path."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header."""
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """Ask for the body where the client waits to be asked."""
        if self._headers.get("expect", "").lower() == "100-continue":
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, data: bytes) -> None:
        """Take a piece of the body."""
        self._length += len(data)
        if self._length > MAX_BODY:
            self._refuse(413, f"The body is longer than {MAX_BODY} bytes.")
        elif not self._refused:
            self._body.append(data)

    def on_message_complete(self) -> None:
        """Answer the request, after those before it."""
        if self._refused:
            return
        method = self._parser.get_method().decode()
        received = (method, self._url, self._headers, b"".join(self._body))
        self._waiting.append((received, self._parser.should_keep_alive()))
        if self._exchange is None:
            self._answer()

    def shut(self) -> None:
        """Close the connection at once."""
        self._transport.abort()

    def _answer(self) -> None:
        received, self._keep_alive = self._waiting.popleft()
        self._exchange = self._simulator.exchange(*received)
        self._step = 0
        self._due = self._loop.time()
        self._next()

    def _next(self) -> None:
        self._timer = None
        exchange = self._exchange
        if exchange is None or self._paused:
            return
        steps = exchange.delivery.steps
        if self._step == len(steps):
            self._finish(exchange)
            return
        step = steps[self._step]
        self._step += 1
        if isinstance(step, bytes):
            self._transport.write(step)
            if self._step == len(steps):
                self._next()
            else:  # each piece on its own turn of the loop, so that each leaves on its own
                self._timer = self._loop.call_soon(self._next)
        else:
            self._due = max(self._due, self._loop.time() - step) + step
            self._timer = self._loop.call_at(self._due, self._next)

    def _finish(self, exchange: Exchange) -> None:
        match exchange.delivery.end:
            case "hang":
                return
            case "finish":
                self._end("completed")
                if not self._keep_alive:
                    self._transport.close()
                elif self._waiting:
                    self._answer()
            case "close":
                self._end("cut")
                self._transport.close()
            case "reset":
                self._end("cut")
                sock: socket.socket = self._transport.get_extra_info("socket")
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                self._transport.abort()

    def _end(self, outcome: Outcome) -> None:
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            pieces = sum(isinstance(s, bytes) for s in exchange.delivery.steps[: self._step])
            self._simulator.ended(exchange, outcome, pieces)

    def _refuse(self, status: int, message: str) -> None:
        if self._refused:
            return
        self._refused = True
        body = encode(errors.value("openai", status, message))
        headers = {"content-type": JSON_TYPE, "connection": "close"}
        self._transport.write(head(status, headers, len(body)) + body)
        self._transport.close()


@asynccontextmanager
async def listening(
    simulator: Simulator, host: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[str]:
    """Serve a simulator while the context is open, and give its URL; port 0 takes a free one."""
    connections: set[Connection] = set()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Connection(simulator, connections), host, port, backlog=2048
    )
    bound = server.sockets[0].getsockname()[1]
    try:
        yield f"http://{f'[{host}]' if ':' in host else host}:{bound}"
    finally:
        server.close()
        for connection in tuple(connections):
            connection.shut()
            await connection.gone.wait()  # the ledger wants to hear of it
        simulator.close()
