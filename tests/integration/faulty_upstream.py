"""A raw HTTP upstream that misbehaves on request, plain or over TLS, and remembers what it saw."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

from certificates import make_certificate
from tunnels import receive_little

from modelops.gateway.upstream.request import Origin
from modelops.gateway.upstream.reset import reset

MEGABYTE = b"x" * (1 << 20)


UNTIL_CLOSE = b"HTTP/1.1 200 OK\r\n\r\nall of it"
CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
BAD_CHUNK = b"zz\r\nxx\r\n"
FIFTY_OF_HUNDRED = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n" + b"x" * 50


def ok(*lines: bytes, body: bytes = b"ok") -> bytes:
    """Return a response with a length."""
    head = [b"HTTP/1.1 200 OK", b"content-length: %d" % len(body), *lines]
    return b"\r\n".join(head) + b"\r\n\r\n" + body


THEN_CLOSE = {
    "/cut": FIFTY_OF_HUNDRED,
    "/cut-chunked": CHUNKED + b"5\r\nhello\r\n",
    "/cut-head": b"HTTP/1.1 200 OK\r\ncontent-le",
    "/garbage": b"garbage\r\n\r\n",
    "/empty": b"",
    "/until-close": UNTIL_CLOSE,
    "/switch": b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
    "/http2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "/close-after": ok(),
    "/long-close": CHUNKED + b"%x\r\n%b\r\n0\r\n\r\n" % (300_000, b"x" * 300_000),
}
THEN_RESET = {
    "/reset": b"",
    "/reset-in-head": b"HTTP/1.1 200 OK\r\ncontent-le",
    "/reset-until-close": UNTIL_CLOSE,
}
THEN_WAIT = {
    "/hang": (),
    "/stall": (FIFTY_OF_HUNDRED,),
    "/stall-in-head": (b"HTTP/1.1 200 OK\r\nx: y",),
    "/over-a-quarter-megabyte": (ok(body=b"x" * ((1 << 18) + 1)),),
    "/bad-chunk": (CHUNKED + b"5\r\nhello\r\n" + BAD_CHUNK,),
    "/bad-chunk-later": (CHUNKED + b"5\r\nhello\r\n", BAD_CHUNK),
    "/twice-later": (ok(), ok()),
    "/body-twice": (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n", b"ok" + ok()),
}
THEN_GO_ON = {
    "/ok": ok(),
    "/early": b"",
    "/connection-close": ok(b"connection: close"),
    "/redirect": b"HTTP/1.1 307 Temporary Redirect\r\nlocation: http://localhost:1/ok\r\n"
    b"content-length: 0\r\n\r\n",
    "/hints": b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n" + ok(),
    "/twice": ok() + ok(),
    "/garbage-after": ok() + b"x",
    "/big-head": ok(b"x-big: " + b"a" * 300_000),
    "/many-headers": ok(*(b"x-%d: a" % item for item in range(300))),
    "/odd-headers": ok(
        b"Set-Cookie: a=1",
        b"Set-Cookie: b=2",
        b"X-Latin: caf\xe9",
        b"X-Mixed: V",
        b"content-encoding: gzip",
        body=b"\x1f\x8b",
    ),
}


class FaultyUpstream:
    """Serves one behavior per path; counts what it sees.

    `requests` holds connection number, path, head and body size of each; `open` the connections
    that are, `ended_at` when each was ended by the other side, `sent_at` when each event left,
    `written` the bytes the sockets took, `drained` those that a slow reader has read.
    """

    def __init__(self) -> None:
        self.connections = 0
        self.open = 0
        self.requests: list[tuple[int, str, bytes, int]] = []
        self.ended_at: list[float] = []
        self.sent_at: list[float] = []
        self.written = 0
        self.drained = 0
        self.origin = Origin("127.0.0.1", 0, tls=False)
        self._writers: set[asyncio.StreamWriter] = set()

    def protocol(self) -> asyncio.Protocol:
        """Return what serves the next connection."""
        reader = asyncio.StreamReader(limit=1 << 16)
        return _Watched(reader, self.handle, self.ended_at)

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until it or the behavior ends it."""
        self.connections += 1
        self.open += 1
        self._writers.add(writer)
        number, count = self.connections, 0
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                path = head.split(b" ", 2)[1].decode()
                count += 1
                if path == "/early":  # answers before it has read the body
                    early = b"HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\n\r\nno"
                    await self._send(writer, early)
                if path == "/slow-reader":
                    while piece := await reader.read(1 << 18):
                        self.drained += len(piece)
                        await asyncio.sleep(0.002)
                    return
                size = await self._read_body(head, reader)
                self.requests.append((number, path, head, size))
                if not await self._answer(path, count, reader, writer):
                    return
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            self.open -= 1
            self._writers.discard(writer)
            writer.close()

    def reset(self) -> None:
        """End every connection as a crash would."""
        for writer in self._writers:
            _reset(writer)

    async def stop(self) -> None:
        """End every connection."""
        for writer in tuple(self._writers):
            writer.transport.abort()
        while self.open:
            await asyncio.sleep(0)

    async def _read_body(self, head: bytes, reader: asyncio.StreamReader) -> int:
        length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
        left = size = int(length)
        while left:
            piece = await reader.read(min(left, 1 << 20))
            if not piece:
                raise ConnectionResetError
            left -= len(piece)
        return size

    async def _send(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        writer.write(data)
        await writer.drain()
        self.written += len(data)

    async def _answer(
        self, path: str, count: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """Behave; False ends the connection."""
        if path in THEN_GO_ON:
            await self._send(writer, THEN_GO_ON[path])
            return True
        if path in THEN_CLOSE:
            await self._send(writer, THEN_CLOSE[path])
        elif path in THEN_WAIT:
            for number, piece in enumerate(THEN_WAIT[path]):
                await asyncio.sleep(0.02 * number)
                await self._send(writer, piece)
            await reader.read(1)
        elif path in THEN_RESET:
            await self._send(writer, THEN_RESET[path])
            await asyncio.sleep(0.02)
            _reset(writer)
        elif path == "/drop-second" and count == 1:
            await self._send(writer, ok())
            return True
        elif path == "/endless-head":
            await self._send(writer, b"HTTP/1.1 200 OK\r\n")
            while True:
                await self._send(writer, b"x-more: " + b"a" * 1000 + b"\r\n")
        elif path == "/events":
            await self._events(writer)
            return True
        elif path == "/fifty-megabytes":
            await self._send(writer, b"HTTP/1.1 200 OK\r\ncontent-length: 52428800\r\n\r\n")
            for _ in range(50):
                await self._send(writer, MEGABYTE)
            return True
        return False

    async def _events(self, writer: asyncio.StreamWriter) -> None:
        await self._send(writer, CHUNKED)
        for number in range(10):
            self.sent_at.append(asyncio.get_running_loop().time())
            event = b"data: %d\n\n" % number
            await self._send(writer, b"%x\r\n%b\r\n" % (len(event), event))
            await asyncio.sleep(0.02)
        await self._send(writer, b"0\r\n\r\n")


def _reset(writer: asyncio.StreamWriter) -> None:
    reset(cast("asyncio.Transport", writer.transport))
    writer.transport.abort()


class _Watched(asyncio.StreamReaderProtocol):
    """A connection that notes at once when the other side ends it."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        handle: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
        ended_at: list[float],
    ) -> None:
        super().__init__(reader, handle)
        self._ended_at = ended_at
        self._clock = asyncio.get_running_loop().time

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended_at.append(self._clock())
        super().connection_lost(exc)


@asynccontextmanager
async def serving(tls: ssl.SSLContext | None = None) -> AsyncIterator[FaultyUpstream]:
    """Run a faulty upstream on a free port of 127.0.0.1."""
    upstream = FaultyUpstream()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(upstream.protocol, "127.0.0.1", 0, ssl=tls)
    receive_little(server)
    port = server.sockets[0].getsockname()[1]
    upstream.origin = Origin("127.0.0.1", port, tls=tls is not None)
    try:
        yield upstream
    finally:
        server.close()
        await upstream.stop()


def certificate(folder: Path, name: str = "127.0.0.1") -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return a server's and a client's TLS settings around a certificate for an address or name."""
    pem = make_certificate(folder, name)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pem)
    client = ssl.create_default_context(cafile=str(pem))
    client.set_alpn_protocols(["http/1.1"])
    return server, client
