"""A proxy that opens tunnels, and how sockets are kept from holding much."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


@asynccontextmanager
async def proxying(answer: bytes = b"HTTP/1.1 200 Established") -> AsyncIterator[list[bytes]]:
    """Run a proxy for tunnels; yields its port, then the heads of the requests it gets.

    Without an `answer` it hangs.
    """
    heads: list[bytes] = []

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(1 << 16):
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            if sock := writer.transport.get_extra_info("socket"):  # a reset goes on as one
                with contextlib.suppress(OSError):
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        finally:
            writer.transport.abort()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            heads.append(head)
            host, _, port = head.split(b" ")[1].rpartition(b":")
            if not answer:
                await reader.read()
                return
            writer.write(answer + b"\r\n\r\n")
            if b" 200 " not in answer:
                return
            there, back = await asyncio.open_connection(host.decode(), int(port))
            await asyncio.gather(pump(reader, back), pump(there, writer))
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    receive_little(server)
    heads.append(b"%d" % server.sockets[0].getsockname()[1])
    try:
        yield heads
    finally:
        server.close()


def receive_little(server: asyncio.Server) -> None:
    """Have the kernel hold little for a slow reader, who hears of an end only after all of it."""
    server.sockets[0].setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 18)
