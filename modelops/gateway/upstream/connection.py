"""One HTTP/1.1 connection: bytes in through llhttp, one exchange at a time, nothing read ahead.

A connection is driven by asyncio's callbacks alone, so a piece of a stream reaches its reader in
the turn of the event loop in which it came. Ending an exchange early aborts the transport, which
is how a provider learns at once that nobody listens any more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import chain
from typing import cast

import httptools

from modelops.gateway.upstream.client import Headers, Take
from modelops.gateway.upstream.errors import (
    ClosedError,
    HeadTimeoutError,
    IdleTimeoutError,
    MalformedError,
    ResetError,
    TruncatedError,
    UpstreamError,
)
from modelops.gateway.upstream.exchange import Exchange
from modelops.gateway.upstream.request import Request
from modelops.gateway.upstream.reset import reset
from modelops.gateway.upstream.waiting import Waiting

HELD_MAX = 256 * 1024
"""Bytes that may wait for their reader before the connection stops reading."""

HEAD_MAX = 128 * 1024
"""Bytes of a response's head, whole or not yet."""

SLICE = 64 * 1024
"""Bytes of a request body that are handed to the transport at once."""


class Connection(asyncio.Protocol):
    """A connection to one origin, kept alive between exchanges.

    `idle` is called with the connection when it may be used again, `lost` when it is gone. Who
    reads an exchange waits at `waiting` for what comes next.
    """

    def __init__(
        self, idle: Callable[[Connection], None], lost: Callable[[Connection], None]
    ) -> None:
        self.idle_since = 0.0
        self._idle = idle
        self._lost = lost
        self._loop = asyncio.get_running_loop()
        self.pieces: list[bytes] = []
        self.on_body = self.pieces.append  # llhttp calls it with each piece of a body
        self._held = 0
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._exchange: Exchange | None = None
        self._answered = False
        self._keep_alive = False
        self._head_bytes = 0  # at most: the last piece may hold more than the head
        self._unsent: memoryview | None = None
        self._writable = True
        self._paused = False
        self.waiting = Waiting(self._late)

    async def exchange(self, request: Request, wait: float) -> Exchange:
        """Send a request and return the exchange once the response's head has come."""
        exchange = self._exchange = Exchange(self)
        self._answered = self._keep_alive = False
        self._head_bytes = self._held = 0
        self.pieces.clear()
        try:
            self._write(request)
            if not exchange.complete:
                await self.waiting.wait(wait)
        except BaseException:
            self.abort()
            raise
        if exchange.error is not None and not exchange.status:
            self.abort()
            raise exchange.error
        return exchange  # what came before an error is read first

    def resume(self) -> None:
        """Read on: the reader has taken what was held."""
        self.pieces.clear()
        self._held = 0
        if self._paused and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()

    def end(self, exchange: Exchange) -> None:
        """Finish with an exchange; later calls for the same one do nothing."""
        if self._exchange is not exchange:
            return
        whole = exchange.complete and exchange.error is None
        if whole and self._keep_alive and self._unsent is None and self._transport is not None:
            self._exchange = None
            self.resume()
            self._idle(self)
        else:
            self.abort()

    def abort(self) -> None:
        """End the connection at once; whoever still waits for an exchange gets a ClosedError."""
        exchange, self._exchange, self._unsent = self._exchange, None, None
        self.waiting.stop()
        if exchange is not None and not exchange.complete:
            exchange.error = ClosedError("the connection was closed on this side")
            exchange.complete = True
            self.waiting.wake()
            if self._transport is not None:
                reset(self._transport)
        if self._transport is not None:
            self._transport.abort()
            self._transport = None

    # asyncio's callbacks

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport, the one over TLS included."""
        # A cast, not a check: uvloop's transports are no subclass of asyncio's.
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=4 * SLICE)

    def connection_lost(self, exc: Exception | None) -> None:
        """End what is under way: a body without a length ends well here, anything else does not."""
        self._transport = None
        self._lost(self)
        exchange = self._exchange
        if exchange is None or exchange.complete:
            return
        if exchange.status and exc is None and not exchange.delimited:
            exchange.complete = True
            self.waiting.wake()
        elif self._answered:
            self._fail(TruncatedError("the connection ended in the middle of the response"))
        else:
            self._fail(ResetError("the connection ended before a byte of the response came"))

    def data_received(self, data: bytes) -> None:
        """Feed the parser."""
        exchange = self._exchange
        if exchange is None:  # bytes that nobody asked for: the connection cannot be trusted
            self.abort()
            self._lost(self)
            return
        self._answered = True
        if not exchange.status:
            self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserCallbackError as error:
            self._fail(MalformedError(str(error.__context__)))
        except httptools.HttpParserError as error:
            self._fail(MalformedError(f"the response is not HTTP/1.1: {error}"))
        except httptools.HttpParserUpgrade:
            self._fail(MalformedError("the response switches to another protocol"))
        else:
            if not exchange.status and self._head_bytes > HEAD_MAX:
                self._fail(_head_too_large())
        if self.pieces:
            if exchange.take is None:
                self._hold(len(data))
            else:
                self._pass_on(exchange, exchange.take)

    def pause_writing(self) -> None:
        """Hold back the rest of the request body."""
        self._writable = False

    def resume_writing(self) -> None:
        """Go on with the request body."""
        self._writable = True
        self._send_on()

    # llhttp's callbacks

    def on_message_begin(self) -> None:
        """Refuse a second response to one request."""
        if self._exchange is None or self._exchange.complete:
            raise MalformedError("more than one response")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header; trailers, which come after the head, are dropped."""
        exchange = self._exchange
        if exchange is not None and not exchange.status:
            exchange.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """Let the caller see the head, unless it is an interim one (1xx)."""
        exchange = self._exchange
        if exchange is None:
            return
        if self._head_bytes > HEAD_MAX and _size(exchange.headers) > HEAD_MAX:
            raise _head_too_large()
        status = self._parser.get_status_code()
        if status < 200:
            exchange.headers.clear()
            return
        exchange.status = status
        self.waiting.wake()

    def on_message_complete(self) -> None:
        """End the exchange. Only here does llhttp know whether the connection lives on."""
        exchange = self._exchange
        if exchange is None or not exchange.status:
            return
        self._keep_alive = self._parser.should_keep_alive()
        exchange.complete = True
        self.waiting.wake()

    # What came of a body

    def _hold(self, size: int) -> None:
        """Keep what came for its reader; over the bound, stop reading."""
        self._held += size
        if self._held > HELD_MAX and not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()
        self.waiting.wake()

    def _pass_on(self, exchange: Exchange, take: Take) -> None:
        """Hand over what came; who awaits the flow is woken when `take` wants no more, or fails."""
        self.waiting.since = self._loop.time()
        try:
            more = take(self.pieces)
        except Exception as error:
            self.waiting.fail(error)
            raise  # the event loop ends the connection
        self.pieces.clear()
        if not more:
            exchange.take = None
            self.waiting.wake()

    # The request

    def _write(self, request: Request) -> None:
        if self._transport is None:
            raise ResetError("the connection ended before the request was sent")
        head = b"POST %b HTTP/1.1\r\n%bcontent-length: %d\r\n\r\n" % (
            request.path.encode("ascii"),
            request.headers,
            len(request.body),
        )
        if len(request.body) <= SLICE:
            self._transport.write(head + request.body)
        else:
            self._transport.write(head)
            self._unsent = memoryview(request.body)
            self._send_on()

    def _send_on(self) -> None:
        while self._unsent is not None and self._writable and self._transport is not None:
            self._transport.write(self._unsent[:SLICE])
            self._unsent = self._unsent[SLICE:] or None

    def _fail(self, error: UpstreamError) -> None:
        exchange = self._exchange
        if exchange is not None and not exchange.complete:
            exchange.error = error
            exchange.complete = True
            self.waiting.wake()
        else:
            self._keep_alive = False
        if self._transport is not None:
            self._transport.abort()

    def _late(self) -> UpstreamError:
        if self._exchange is not None and self._exchange.status:
            return IdleTimeoutError("no further piece of the body came in time")
        return HeadTimeoutError("no response came in time")


def _size(headers: Headers) -> int:
    return sum(map(len, chain.from_iterable(headers)))


def _head_too_large() -> MalformedError:
    return MalformedError(f"the response head is over {HEAD_MAX} bytes")
