"""The upstream client where a proxy leads out: aiohttp, behind the same interface.

The proxy opens a tunnel (CONNECT) in which TLS is between the gateway and the provider, so it sees
names and sizes, never keys. aiohttp knows proxies well, but takes 1.5 times the CPU of the
program's own client, which therefore serves everybody else, and here the origins that NO_PROXY
names. Import this module only where a proxy is set: aiohttp takes 0.2 s to import.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from types import SimpleNamespace

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from modelops.gateway.upstream.client import Response
from modelops.gateway.upstream.connect import tls_context
from modelops.gateway.upstream.connection import HEAD_MAX, SLICE
from modelops.gateway.upstream.errors import (
    ClosedError,
    ConnectTimeoutError,
    HeadTimeoutError,
    MalformedError,
    ResetError,
    UpstreamError,
)
from modelops.gateway.upstream.http1 import CONNECT_TIMEOUT, IDLE_SECONDS, Http1Client
from modelops.gateway.upstream.names import Names
from modelops.gateway.upstream.proxied_errors import Way, told
from modelops.gateway.upstream.proxied_response import ProxiedResponse
from modelops.gateway.upstream.proxy import Proxy
from modelops.gateway.upstream.request import Request

FIELD_MAX = 16 * 1024
"""Bytes of one line of a response's head."""

FIELDS_MAX = 512
"""Lines of a response's head: with the bound on each, what aiohttp holds before HEAD_MAX counts."""

_NOT_ADDED = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")


class ProxiedClient:
    """Implements `client.Client`. Made inside a running event loop."""

    def __init__(
        self,
        proxy: Proxy,
        *,
        tls: ssl.SSLContext | None = None,
        connect_timeout: float = CONNECT_TIMEOUT,
    ) -> None:
        tls = tls or tls_context()
        self._proxy = proxy
        self._connect_timeout = connect_timeout
        self._loop = asyncio.get_running_loop()
        self._direct = Http1Client(tls=tls, connect_timeout=connect_timeout)
        self._kept = _session(
            aiohttp.TCPConnector(
                ssl=tls, limit=0, keepalive_timeout=IDLE_SECONDS, resolver=_Resolver()
            )
        )
        self._new = _session(
            aiohttp.TCPConnector(ssl=tls, limit=0, force_close=True, resolver=_Resolver())
        )

    async def send(self, request: Request, wait: float) -> Response:
        """Send a request; see `client.Client`.

        As in `Http1Client`, one that a kept connection lost before a byte came back is sent once
        more, on a new connection.
        """
        if not self._proxy.serves(request.origin):
            return await self._direct.send(request, wait)
        end = self._loop.time() + wait
        way = Way()
        try:
            return await self._ask(self._kept, request, wait, way)
        except ResetError:
            if not way.kept:
                raise
        return await self._ask(self._new, request, end - self._loop.time(), Way())

    async def close(self) -> None:
        """End every connection, those under way included."""
        await self._direct.close()
        await self._kept.close()
        await self._new.close()

    async def _ask(
        self, session: aiohttp.ClientSession, request: Request, wait: float, way: Way
    ) -> ProxiedResponse:
        try:
            async with asyncio.timeout(wait):
                response = await session.post(
                    URL(f"https://{request.origin.authority}{request.path}", encoded=True),
                    headers=list(_fields(request)),
                    data=request.body if len(request.body) <= SLICE else _slices(request.body),
                    allow_redirects=False,
                    proxy=self._proxy.url,
                    proxy_headers=self._proxy.headers,
                    timeout=aiohttp.ClientTimeout(connect=self._connect_timeout),
                    trace_request_ctx=way,
                )
        except TimeoutError:
            raise _late(request, way) from None
        except aiohttp.ClientError as error:
            raise self._closed() or told(error, request.origin, way) from None
        answer = ProxiedResponse(response, self._closed)
        if answer.status == 101:
            answer.close()
            raise MalformedError("the response switches to another protocol")
        if sum(len(name) + len(value) for name, value in answer.headers) > HEAD_MAX:
            answer.close()
            raise MalformedError(f"the response head is over {HEAD_MAX} bytes")
        return answer

    def _closed(self) -> UpstreamError | None:
        if self._kept.closed:
            return ClosedError("the connection was closed on this side")
        return None


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


def _session(connector: aiohttp.TCPConnector) -> aiohttp.ClientSession:
    """Return a session that adds nothing to a request, and notes how each found its connection."""
    trace = aiohttp.TraceConfig()
    trace.on_connection_create_end.append(_made)
    trace.on_connection_reuseconn.append(_reused)
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        skip_auto_headers=_NOT_ADDED,
        auto_decompress=False,
        max_line_size=FIELD_MAX,
        max_field_size=FIELD_MAX,
        max_headers=FIELDS_MAX,
        trace_configs=[trace],
    )


async def _made(_session: object, context: SimpleNamespace, _params: object) -> None:
    context.trace_request_ctx.stands = True


async def _reused(_session: object, context: SimpleNamespace, _params: object) -> None:
    context.trace_request_ctx.stands = context.trace_request_ctx.kept = True


def _fields(request: Request) -> Iterator[tuple[str, str]]:
    for line in _text(request.headers).split("\r\n")[:-1]:
        name, _, value = line.partition(": ")
        yield name, value
    yield "content-length", str(len(request.body))


def _text(lines: bytes) -> str:
    """Return what aiohttp, which writes UTF-8, makes these bytes of."""
    try:
        return lines.decode()
    except UnicodeDecodeError:
        return lines.decode("latin-1")


async def _slices(body: bytes) -> AsyncIterator[memoryview]:
    """Hand a body over in pieces, which are not copied."""
    view = memoryview(body)
    for start in range(0, len(view), SLICE):
        yield view[start : start + SLICE]


def _late(request: Request, way: Way) -> UpstreamError:
    if way.stands:
        return HeadTimeoutError("no response came in time")
    return ConnectTimeoutError(
        f"{request.origin.authority} did not take the connection through the proxy in time"
    )
