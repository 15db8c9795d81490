"""A response that comes through a proxy: aiohttp's, as `client.Response` promises."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import aiohttp

from modelops.gateway.upstream.client import Headers, Take
from modelops.gateway.upstream.errors import (
    IdleTimeoutError,
    MalformedError,
    TruncatedError,
    UpstreamError,
)
from modelops.gateway.upstream.reset import reset


class ProxiedResponse:
    """Implements `client.Response`. `closed` tells whether this side has ended the connection."""

    def __init__(
        self, response: aiohttp.ClientResponse, closed: Callable[[], UpstreamError | None]
    ) -> None:
        self.status = response.status
        self.headers: Headers = [(name.lower(), value) for name, value in response.raw_headers]
        self._response = response
        self._content = response.content
        self._closed = closed
        self._loop = asyncio.get_running_loop()
        self._watch(response.connection)

    def whole(self) -> bytes | None:
        """Return the body when all of it has come; see `client.Response`."""
        content = self._content
        return content.read_nowait() if content.is_eof() and not content.exception() else None

    async def read(self, wait: float) -> bytes:
        """Return what of the body has come since the last call; see `client.Response`."""
        try:
            async with asyncio.timeout(wait):
                return await self._content.readany()
        except TimeoutError:
            raise IdleTimeoutError("no further piece of the body came in time") from None
        except aiohttp.ClientError:
            raise self._closed() or TruncatedError(
                "the connection ended in the middle of the response"
            ) from None

    async def flow(self, take: Take, wait: float, longest: float) -> bool:
        """Hand what comes to `take` as it comes; see `client.Response`."""
        end = self._loop.time() + longest
        while True:
            left = end - self._loop.time()
            try:
                piece = await self.read(min(wait, left))
            except IdleTimeoutError:
                if wait <= left:
                    raise
                return False
            if not piece:
                return True
            if not take([piece]):
                return False

    def close(self) -> None:
        """Let go; aiohttp itself keeps the connection of a body that has come whole."""
        connection = self._response.connection
        if connection is None:
            return
        transport = connection.transport
        if transport is not None and not transport.is_closing():
            reset(transport)
            transport.abort()
        self._response.close()

    def _watch(self, connection: aiohttp.connector.Connection | None) -> None:
        """Have the body end in an error when its connection ends and nothing else says so.

        On a malformed chunk aiohttp (3.14.5, its parser in C) closes the connection and leaves the
        reader waiting.
        """
        if connection is None or connection.protocol is None:
            return  # the body has come whole
        ended = connection.protocol.closed
        if ended is None:
            self._end()
        else:
            ended.add_done_callback(lambda ended: self._end(ended.exception()))

    def _end(self, _error: BaseException | None = None) -> None:
        if not self._content.is_eof() and self._content.exception() is None:
            self._content.set_exception(
                self._closed() or MalformedError("the response is not HTTP/1.1: a chunk is not")
            )
