"""One request and its response on a connection, as who sent the request sees it.

What comes of the body is either read when its reader asks, or flows to it as it comes.
"""

from __future__ import annotations

from typing import Protocol

from modelops.gateway.upstream.client import Headers, Take
from modelops.gateway.upstream.errors import UpstreamError
from modelops.gateway.upstream.waiting import Waiting

_DELIMITERS = (b"content-length", b"transfer-encoding")


class Carrier(Protocol):
    """What an exchange needs of its connection: the pieces of a body that wait for their reader."""

    pieces: list[bytes]
    waiting: Waiting

    def resume(self) -> None:
        """Note that the pieces were taken, and read on."""
        ...

    def end(self, exchange: Exchange) -> None:
        """Finish with an exchange."""
        ...


class Exchange:
    """One request and its response: what `client.Response` promises."""

    __slots__ = ("_connection", "complete", "error", "headers", "status", "take")

    def __init__(self, connection: Carrier) -> None:
        self._connection = connection
        self.status = 0
        self.headers: Headers = []
        self.complete = False
        self.error: UpstreamError | None = None
        self.take: Take | None = None

    @property
    def delimited(self) -> bool:
        """Whether the head says where the body ends; otherwise the connection's end does."""
        return any(name in _DELIMITERS for name, _ in self.headers)

    def whole(self) -> bytes | None:
        """Return the body when all of it has come; see `client.Response`."""
        return self._taken() if self.complete and self.error is None else None

    async def read(self, wait: float) -> bytes:
        """Return what of the body has come since the last call; see `client.Response`."""
        connection = self._connection
        while not connection.pieces:
            if self._over():
                return b""
            await connection.waiting.wait(wait)
        return self._taken()

    def _taken(self) -> bytes:
        connection = self._connection
        piece = b"".join(connection.pieces)
        connection.resume()
        return piece

    async def flow(self, take: Take, wait: float, longest: float) -> bool:
        """Hand what comes to `take` as it comes; see `client.Response`."""
        connection = self._connection
        if connection.pieces:
            more = take(connection.pieces)
            connection.resume()
            if not more:
                return False
        if self._over():
            return True
        self.take = take
        try:
            await connection.waiting.wait(wait, longest)
        finally:
            enough, self.take = self.take is None, None
        return not enough and self._over()

    def _over(self) -> bool:
        """Whether the body is whole; raises what ended it before."""
        if self.error is not None:
            raise self.error
        return self.complete

    def close(self) -> None:
        """Give the connection back when it can carry another request, else end it."""
        self._connection.end(self)
