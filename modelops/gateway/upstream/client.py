"""The interface of an upstream client: one request out, a response read piece by piece.

`http1` implements it directly, `proxied` through a proxy; tests put others in its place.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from modelops.gateway.upstream.request import Request

Headers = list[tuple[bytes, bytes]]
Take = Callable[[list[bytes]], bool]
"""Takes the pieces that came in one turn; False when no more may come for now."""


class Response(Protocol):
    """A response whose head has come. Header names are lower case."""

    status: int
    headers: Headers

    def whole(self) -> bytes | None:
        """Return the body when all of it has come; None when `read` must wait for more of it."""
        ...

    async def read(self, wait: float) -> bytes:
        """Return the next piece of the body as it comes, b"" at its end.

        Raises an UpstreamError: IdleTimeoutError when nothing comes for `wait` seconds.
        """
        ...

    async def flow(self, take: Take, wait: float, longest: float) -> bool:
        """Hand what comes of the body to `take` as it comes, without waiting for more.

        Returns whether the body ended; False when `take` wants no more for now, or `longest`
        seconds are over. Raises as `read` does when nothing comes for `wait` seconds.
        """
        ...

    def close(self) -> None:
        """Let go: a response read to its end leaves its connection to others, any other ends it."""
        ...


class Client(Protocol):
    """Sends requests. Cancelling `send` or `read` ends the upstream connection at once."""

    async def send(self, request: Request, wait: float) -> Response:
        """Send a request and return the response once its head has come.

        `wait` seconds bound connecting and the wait for the head together; connecting has a
        bound of its own beside. Raises an UpstreamError.
        """
        ...

    async def close(self) -> None:
        """End every connection."""
        ...
