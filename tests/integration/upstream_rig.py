"""An upstream that misbehaves and the client that talks to it: plain, over TLS, or proxied."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from faulty_upstream import FaultyUpstream, certificate, proxying, serving
from upstream_ends import until

from modelops.gateway.upstream.http1 import Http1Client
from modelops.gateway.upstream.proxy import proxy_from
from modelops.gateway.upstream.request import Request


class Rig:
    """A client and the upstream it talks to."""

    def __init__(self, upstream: FaultyUpstream, client: Http1Client) -> None:
        self.upstream = upstream
        self.client = client

    def request(self, path: str, body: bytes = b"{}") -> Request:
        headers = b"host: test\r\nauthorization: Bearer key\r\n"
        return Request(self.upstream.origin, path, headers, body)

    async def fetch(self, path: str, body: bytes = b"{}") -> tuple[int, bytes]:
        """Return status and body of a whole exchange."""
        response = await self.client.send(self.request(path, body), 5.0)
        try:
            pieces = []
            while piece := await response.read(5.0):
                pieces.append(piece)
            return response.status, b"".join(pieces)
        finally:
            response.close()


@asynccontextmanager
async def connected(kind: str, folder: Path) -> AsyncIterator[Rig]:
    """Connect the two: `plain`, over `tls`, or the latter `proxied`; in the end nothing is open."""
    server, client_tls = (None, None) if kind == "plain" else certificate(folder)
    async with serving(server) as upstream, proxying() as heads:
        proxy = None
        if kind == "proxied":
            proxy = proxy_from({"HTTPS_PROXY": f"http://me:secret@127.0.0.1:{int(heads[0])}"})
        client = Http1Client(tls=client_tls, proxy=proxy)
        yield Rig(upstream, client)
        await client.close()
        await until(lambda: upstream.open == 0)
        assert len(heads) - 1 == (upstream.connections if proxy else 0)
