"""The upstream client where a proxy leads out: aiohttp, behind the same interface.

The proxy opens a tunnel (CONNECT) in which TLS is between the gateway and the provider, so it sees
names and sizes, never keys. aiohttp knows proxies well, but takes 1.5 times the CPU of the
program's own client, which therefore serves everybody else, and here the origins that NO_PROXY
names. Import this module only where a proxy is set: aiohttp takes 0.2 s to import.
"""

from __future__ import annotations

import asyncio
import math
import ssl
from collections.abc import AsyncIterator, Iterator

import aiohttp
from yarl import URL

from modelops.gateway.upstream.client import Response
from modelops.gateway.upstream.connect import tls_context
from modelops.gateway.upstream.connection import HEAD_MAX, HELD_MAX, SLICE
from modelops.gateway.upstream.errors import (
    ClosedError,
    ConnectTimeoutError,
    HeadTimeoutError,
    MalformedError,
    ResetError,
    UpstreamError,
)
from modelops.gateway.upstream.http1 import CONNECT_TIMEOUT, Http1Client
from modelops.gateway.upstream.proxied_connection import CONNECTION, Connector
from modelops.gateway.upstream.proxied_errors import told
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
        # Without a ceiling: aiohttp moves bounds over five seconds to the next whole one.
        self._timeout = aiohttp.ClientTimeout(connect=connect_timeout, ceil_threshold=math.inf)
        self._loop = asyncio.get_running_loop()
        self._direct = Http1Client(tls=tls, connect_timeout=connect_timeout)
        self._kept = _session(Connector(tls, each_once=False))
        self._new = _session(Connector(tls, each_once=True))

    async def send(self, request: Request, wait: float) -> Response:
        """Send a request; see `client.Client`.

        As in `Http1Client`, one that a kept connection lost before a byte came back is sent once
        more, on a new connection.
        """
        if not self._proxy.serves(request.origin):
            return await self._direct.send(request, wait)
        if self._kept.closed:
            raise _closed()
        end = self._loop.time() + wait
        try:
            return await self._ask(self._kept, request, wait)
        except ResetError:
            connection = CONNECTION.get()
            if connection is None or not connection.kept:
                raise
        return await self._ask(self._new, request, end - self._loop.time())

    async def close(self) -> None:
        """End every connection, those under way included."""
        await self._direct.close()
        await self._kept.close()
        await self._new.close()

    async def _ask(
        self, session: aiohttp.ClientSession, request: Request, wait: float
    ) -> ProxiedResponse:
        CONNECTION.set(None)
        try:
            async with asyncio.timeout(wait):
                response = await session.post(
                    URL(f"https://{request.origin.authority}{request.path}", encoded=True),
                    headers=list(_fields(request)),
                    data=request.body if len(request.body) <= SLICE else _slices(request.body),
                    allow_redirects=False,
                    proxy=self._proxy.url,
                    proxy_headers=self._proxy.headers,
                    timeout=self._timeout,
                )
        except TimeoutError:
            raise _late(request) from None
        except asyncio.CancelledError:  # so aiohttp ends a look-up when it is closed
            task = asyncio.current_task()
            if session.closed and task is not None and not task.cancelling():
                raise _closed() from None
            raise
        except aiohttp.ClientError as error:
            if session.closed:
                raise _closed() from None
            raise told(error, request.origin, CONNECTION.get()) from None
        answer = ProxiedResponse(response)
        if answer.status == 101:
            answer.close()
            raise MalformedError("the response switches to another protocol")
        if sum(len(name) + len(value) for name, value in answer.headers) > HEAD_MAX:
            answer.close()
            raise MalformedError(f"the response head is over {HEAD_MAX} bytes")
        return answer


def _session(connector: Connector) -> aiohttp.ClientSession:
    """Return a session that adds nothing to a request."""
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        skip_auto_headers=_NOT_ADDED,
        auto_decompress=False,
        max_line_size=FIELD_MAX,
        max_field_size=FIELD_MAX,
        max_headers=FIELDS_MAX,
        read_bufsize=HELD_MAX // 2,  # aiohttp stops reading at twice this
    )


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


def _closed() -> UpstreamError:
    return ClosedError("the connection was closed on this side")


def _late(request: Request) -> UpstreamError:
    if CONNECTION.get() is not None:
        return HeadTimeoutError("no response came in time")
    return ConnectTimeoutError(
        f"{request.origin.authority} did not take the connection through the proxy in time"
    )
