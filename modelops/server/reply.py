"""The way back to a client over ASGI, and the watch for a client that leaves.

uvicorn's `send` goes silent after a disconnect, so the connection itself is asked to tell that
nobody listens any more. The task that answers is then cancelled, which ends the upstream call.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator

from litestar.types import HTTPResponseBodyEvent, HTTPResponseStartEvent, Send

from modelops.gateway.call import Headers
from modelops.server.protocol import BoundedProtocol


class AsgiReply:
    """One answer. `started` and `finished` say how far it has come."""

    __slots__ = ("_send", "finished", "started")

    def __init__(self, send: Send) -> None:
        self._send = send
        self.started = False
        self.finished = False

    async def start(self, status: int, headers: Headers) -> None:
        """Send status and headers."""
        self.started = True
        event: HTTPResponseStartEvent = {
            "type": "http.response.start",
            "status": status,
            "headers": list(headers),
        }
        await self._send(event)

    async def send(self, data: bytes) -> None:
        """Send a piece of the body; returns once the connection can take more."""
        event: HTTPResponseBodyEvent = {
            "type": "http.response.body",
            "body": data,
            "more_body": True,
        }
        await self._send(event)

    async def finish(self, data: bytes = b"") -> None:
        """Send the last piece of the body, if any, and end it."""
        self.finished = True
        event: HTTPResponseBodyEvent = {
            "type": "http.response.body",
            "body": data,
            "more_body": False,
        }
        await self._send(event)


async def send_whole(reply: AsgiReply, status: int, headers: Headers, body: bytes) -> None:
    """Send an answer that is already complete."""
    length = (b"content-length", b"%d" % len(body))
    await reply.start(status, [*headers, length])
    await reply.finish(body)


@contextlib.contextmanager
def watching(connection: BoundedProtocol, reply: AsgiReply) -> Iterator[None]:
    """Cancel the current task when the client leaves before the answer is finished."""
    task = asyncio.current_task()

    def leave() -> None:
        if task is not None and not reply.finished:
            task.cancel()

    connection.on_leave = leave
    try:
        yield
    finally:
        connection.on_leave = None
