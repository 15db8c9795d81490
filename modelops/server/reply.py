"""The way back to a client: an answer written straight to its connection.

ASGI's events cost a dictionary and two turns each, write a head and its body apart, and go silent
after a disconnect. The data plane knows the connection, so it writes the same bytes itself: a head
waits for the first of its body and goes out with it, in one system call.
"""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from modelops.gateway.call import Headers, header_lines
from modelops.server.cycle import Cycle

CHUNKED = b"transfer-encoding: chunked\r\n"


class _OwnLines:
    """uvicorn's own headers (the date) as lines. It makes a new list of them once a second."""

    def __init__(self) -> None:
        self._headers: object = None
        self._lines = b""

    def of(self, headers: Headers) -> bytes:
        """Return the lines of a list, which are made when it is first seen."""
        if headers is not self._headers:
            self._headers, self._lines = headers, header_lines(headers)
        return self._lines


_own_lines = _OwnLines()


class ConnectionReply:
    """One answer. `started` says whether its head was given.

    A body of unknown length is sent in chunks, to HTTP/1.0 as it is (RFC 9112 6.1). Nothing is
    written to a client that left.
    """

    __slots__ = ("_chunked", "_cycle", "_head", "started")

    def __init__(self, cycle: Cycle) -> None:
        self._cycle = cycle
        self._chunked = False
        self._head = b""
        self.started = False

    @property
    def gone(self) -> bool:
        """Whether the client has gone away."""
        return self._cycle.disconnected

    def start(self, status: int, head: bytes, length: int | None = None) -> None:
        """Take status, header lines and the body's length: they go out with its first piece."""
        cycle = self._cycle
        self.started = cycle.response_started = True
        cycle.waiting_for_100_continue = False
        self._chunked = False
        delimiter = b""  # of HTTP/1.0: the connection's end is the body's
        if length is not None:
            delimiter = b"content-length: %d\r\n" % length
        elif cycle.http_version != "1.0":
            self._chunked, delimiter = True, CHUNKED
        self._head = b"".join(
            (
                STATUS_LINE[status],
                _own_lines.of(cycle.connection.server_state.default_headers),
                head,
                b"" if cycle.keep_alive else b"connection: close\r\n",
                delimiter,
                b"\r\n",
            )
        )

    def send(self, data: bytes) -> bool:
        """Send a piece of the body; returns whether the connection can take more."""
        cycle = self._cycle
        if data and not cycle.disconnected:
            if self._chunked:
                data = b"%x\r\n%b\r\n" % (len(data), data)
            if self._head:
                data, self._head = self._head + data, b""
            cycle.transport.write(data)
        return not cycle.flow.write_paused

    async def ready(self, wait: float) -> bool:
        """Return once the connection can take more, or is no more; False after `wait` seconds."""
        try:
            async with asyncio.timeout(wait):
                await self._cycle.flow.drain()
        except TimeoutError:
            return False
        return True

    def finish(self, data: bytes = b"") -> None:
        """Send the last piece of the body, if any, and end the answer."""
        cycle = self._cycle
        if cycle.disconnected:
            return
        if cycle.method == b"HEAD":
            data = b""
        elif self._chunked:
            data = b"%x\r\n%b\r\n0\r\n\r\n" % (len(data), data) if data else b"0\r\n\r\n"
        cycle.transport.write(self._head + data)
        cycle.response_complete = True
        cycle.message_event.set()
        if not cycle.keep_alive:
            cycle.connection.close_gracefully()
        cycle.connection.on_response_complete()

    def refuse(self, status: int, headers: Headers, body: bytes) -> None:
        """Answer whole and close the connection: what is left of the request is not waited for."""
        self._cycle.keep_alive = False
        self.start(status, header_lines(headers), len(body))
        self.finish(body)
