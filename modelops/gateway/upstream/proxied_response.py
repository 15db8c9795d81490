"""A response that comes through a proxy: aiohttp's, as `client.Response` promises."""

from __future__ import annotations

import asyncio

import aiohttp

from modelops.gateway.upstream.client import Headers, Take
from modelops.gateway.upstream.errors import IdleTimeoutError, TruncatedError


class ProxiedResponse:
    """Implements `client.Response`."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.status = response.status
        self.headers: Headers = [(name.lower(), value) for name, value in response.raw_headers]
        self._response = response
        self._content = response.content
        self._loop = asyncio.get_running_loop()

    def whole(self) -> bytes | None:
        """Return the body when all of it has come; see `client.Response`."""
        content = self._content
        return content.read_nowait() if content.is_eof() and not content.exception() else None

    async def read(self, wait: float) -> bytes:
        """Return what of the body has come since the last call; see `client.Response`."""
        content = self._content
        if content.exception() is not None:  # what came before it is read first
            piece = content._read_nowait(-1)  # noqa: SLF001  # no other way
            if piece:
                return piece
        try:
            async with asyncio.timeout(wait):
                return await content.readany()
        except TimeoutError:
            raise IdleTimeoutError("no further piece of the body came in time") from None
        except aiohttp.ClientError:
            raise TruncatedError("the connection ended in the middle of the response") from None

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
        if connection is not None and connection.protocol is not None:
            connection.protocol.abort()
            self._response.close()
