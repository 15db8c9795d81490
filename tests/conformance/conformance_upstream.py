"""A provider that gives the answers of exchanges, each below a path of its own.

Knows nothing of this project, so that the vectors can be run against any other gateway.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Sequence

from conformance_exchange import Exchange

PIECE = 700
"""Bytes of a stream that are sent at once: events are cut anywhere."""


@contextlib.asynccontextmanager
async def listening(exchanges: Sequence[Exchange]) -> AsyncIterator[str]:
    """Answer whatever is sent below /NUMBER with the exchange at that place; yield the URL."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = re.search(rb"\r\ncontent-length: *(\d+)", head)
        await reader.readexactly(int(length[1]) if length else 0)
        number = re.match(rb"post /(\d+)/", head)
        assert number, head
        writer.write(_response(exchanges[int(number[1])]))
        with contextlib.suppress(ConnectionError):  # who knows enough of an answer hangs up
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        host, port = server.sockets[0].getsockname()[:2]
        yield f"http://{host}:{port}"


def _response(exchange: Exchange) -> bytes:
    body, more = exchange.body, 1 if exchange.cut else 0
    head = b"HTTP/1.1 %d Recorded\r\nconnection: close\r\n" % exchange.status
    if not exchange.stream or exchange.status >= 300:
        length = b"content-type: application/json\r\ncontent-length: %d\r\n\r\n"
        return head + length % (len(body) + more) + body
    pieces = [body[start : start + PIECE] for start in range(0, len(body), PIECE)]
    chunks = [b"%x\r\n%b\r\n" % (len(piece), piece) for piece in [*pieces, b""][: -more or None]]
    start = b"content-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    return head + start + b"".join(chunks)
