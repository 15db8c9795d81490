"""Connections through a proxy: aiohttp's, watched for what aiohttp (3.14.5) lets pass.

It takes what nobody asked for as the response to the next request, and a reset as the good end of
a body without a length. It drops what it has not parsed yet, for a slow reader, when the connection
ends. On a malformed chunk (its parser in C) it leaves the reader waiting. Of a request that was
given up it sends what it holds. It does not tell whether a byte of the response came before the
connection ended.
"""

from __future__ import annotations

import functools
import socket
import ssl
from contextvars import ContextVar
from typing import cast

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aiohttp.http import HttpProcessingError, RawResponseMessage
from aiohttp.streams import StreamReader
from aiohttp.tracing import Trace

from modelops.gateway.upstream.errors import (
    ClosedError,
    MalformedError,
    TruncatedError,
    UpstreamError,
)
from modelops.gateway.upstream.http1 import IDLE_SECONDS
from modelops.gateway.upstream.names import Names
from modelops.gateway.upstream.reset import reset

CONNECTION: ContextVar[Watched | None] = ContextVar("CONNECTION", default=None)
"""The connection of the request that the running task sends; None while it has none."""


class Watched(ResponseHandler):
    """aiohttp's end of a connection.

    `kept` tells whether it had a request before this one, `answered` whether a byte of a response
    came since this one.
    """

    kept = False
    answered = False
    _resting = False
    _headed = False
    _delimited = False

    def begin(self) -> None:
        """Note that a request has the connection."""
        self.kept = self._resting
        self.answered = self._resting = self._headed = False

    def rest(self) -> None:
        """Note that no request has it any more."""
        self._resting = True

    def data_received(self, data: bytes) -> None:
        """Parse what came; aiohttp itself calls it with nothing, to parse on after a pause."""
        if data and self._resting:
            self.abort()
            return
        self.answered = self.answered or bool(data)
        head, end, rest = data.partition(b"\r\n\r\n") if not self._headed else (data, b"", b"")
        self._headed = self._headed or bool(end)
        super().data_received(head + end)
        if rest and self.exception() is None:  # apart: malformed, it would take the head with it
            super().data_received(rest)
        if isinstance(self.exception(), HttpProcessingError):
            self._fail(MalformedError("the response is not HTTP/1.1: a chunk is not"))
        if self._resting and self.should_close:  # more came than the response
            self.abort()

    def feed_data(self, data: tuple[RawResponseMessage, StreamReader], size: int = 0) -> None:
        """Take a response that begins, and whether its head says where its body ends."""
        self._delimited = data[0].chunked or "content-length" in data[0].headers
        super().feed_data(data, size)

    def connection_lost(self, exc: BaseException | None) -> None:
        """End what is under way; whether all of a delimited body came, aiohttp knows itself."""
        self._parse_on()
        if exc is not None and not self._delimited:
            self._fail(TruncatedError("the connection ended in the middle of the response"))
        super().connection_lost(exc)

    def close(self) -> None:
        """End the connection from this side: at once, unless the last response came whole."""
        body = self._payload
        if self.answered and body is not None and body.is_eof():
            super().close()
        else:
            self.abort()

    def abort(self) -> None:
        """End the connection from this side at once."""
        self._fail(ClosedError("the connection was closed on this side"))
        if self.transport is not None and not self.transport.is_closing():
            reset(self.transport)
        super().abort()

    def _parse_on(self) -> None:
        """Parse what came while the reader was slow: aiohttp would drop it."""
        body, parsed = self._payload, -1
        while body is not None and not body.is_eof() and body.total_bytes > parsed:
            parsed = body.total_bytes
            self.data_received(b"")

    def _fail(self, error: UpstreamError) -> None:
        body = self._payload
        if body is not None and not body.is_eof() and body.exception() is None:
            body.set_exception(error)


class Connector(aiohttp.TCPConnector):
    """Opens connections, and keeps them unless `each_once`."""

    def __init__(self, tls: ssl.SSLContext, *, each_once: bool) -> None:
        super().__init__(
            ssl=tls,
            limit=0,
            resolver=_Resolver(),
            force_close=each_once,
            keepalive_timeout=None if each_once else IDLE_SECONDS,
        )
        self._factory = cast(
            "functools.partial[ResponseHandler]", functools.partial(Watched, loop=self._loop)
        )

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109  # aiohttp passes it by name
    ) -> Connection:
        """Return a connection for a request, a kept one if there is any."""
        connection = await super().connect(req, traces, timeout)
        watched = cast("Watched", connection.protocol)
        watched.begin()
        connection.add_callback(watched.rest)
        CONNECTION.set(watched)
        return connection


class _Resolver(AbstractResolver):
    """Looks the proxy's name up as the program looks up all others."""

    def __init__(self) -> None:
        self._names = Names()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the addresses of a host; raises as `Names.addresses` does."""
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in await self._names.addresses(host)
        ]

    async def close(self) -> None:
        """Do nothing: look-ups end by themselves."""
