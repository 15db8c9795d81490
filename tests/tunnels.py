"""A proxy that opens tunnels, and what else takes connections and passes bytes on."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

Handle = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def taking(handle: Handle, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """Take connections on a free port, which it yields; in the end none is left."""
    running: set[asyncio.Task[Any] | None] = set()

    async def run(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        running.add(task)
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):  # one side hung up
                await handle(reader, writer)
        finally:
            writer.close()
            running.discard(task)

    server = await asyncio.start_server(run, "127.0.0.1", 0, ssl=tls)
    receive_little(server)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        left = [task for task in running if task is not None and task.cancel()]
        await asyncio.gather(*left, return_exceptions=True)
        await asyncio.sleep(0)  # one turn of the loop, in which the transports let go


async def joined(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str, port: int
) -> None:
    """Connect to a place, and pass on what each side says to the other until one hangs up."""
    there, back = await asyncio.open_connection(host, port)
    await asyncio.gather(_pump(reader, back), _pump(there, writer))


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    except OSError:
        if sock := writer.transport.get_extra_info("socket"):  # a reset goes on as one
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    finally:
        writer.transport.abort()


@asynccontextmanager
async def proxying(answer: bytes = b"HTTP/1.1 200 Established") -> AsyncIterator[list[bytes]]:
    """Run a proxy for tunnels; yields its port, then the heads of the requests it gets.

    Without an `answer` it hangs.
    """
    heads: list[bytes] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        heads.append(head)
        if not answer:
            await reader.read()
            return
        writer.write(answer + b"\r\n\r\n")
        if b" 200 " in answer:
            host, _, port = head.split(b" ")[1].rpartition(b":")
            await joined(reader, writer, host.decode(), int(port))

    async with taking(handle) as port:
        heads.append(b"%d" % port)
        yield heads


def receive_little(server: asyncio.Server) -> None:
    """Have the kernel hold little for a slow reader, who hears of an end only after all of it."""
    server.sockets[0].setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 18)
