"""An upstream that misbehaves and the client that talks to it: plain, over TLS, or proxied."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from faulty_upstream import FaultyUpstream, certificate, serving
from tunnels import proxying
from upstream_ends import until

from modelops.gateway.upstream.client import Client
from modelops.gateway.upstream.http1 import CONNECT_TIMEOUT, Http1Client
from modelops.gateway.upstream.proxied import ProxiedClient
from modelops.gateway.upstream.proxy import Proxy, proxy_from
from modelops.gateway.upstream.request import Request


class Rig:
    """A client and the upstream it talks to; `pieces` of bodies that `fetch` has read."""

    def __init__(self, upstream: FaultyUpstream, client: Client) -> None:
        self.upstream = upstream
        self.client = client
        self.pieces = 0

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
                self.pieces += 1
            return response.status, b"".join(pieces)
        finally:
            response.close()


def proxy_at(port: int) -> Proxy:
    """Return the proxy that listens on a port of 127.0.0.1."""
    proxy = proxy_from({"HTTPS_PROXY": f"http://me:secret@127.0.0.1:{port}"})
    assert proxy is not None
    return proxy


@asynccontextmanager
async def a_client(
    proxied: bool, tls: ssl.SSLContext | None = None, connect_timeout: float = CONNECT_TIMEOUT
) -> AsyncIterator[tuple[Client, list[bytes]]]:
    """Make a client, directly or through a proxy; yields it with what the proxy was asked."""
    async with proxying() as heads:
        client: Client
        if proxied:
            proxy = proxy_at(int(heads.pop()))
            client = ProxiedClient(proxy, tls=tls, connect_timeout=connect_timeout)
        else:
            heads.clear()
            client = Http1Client(tls=tls, connect_timeout=connect_timeout)
        yield client, heads
        await client.close()


@asynccontextmanager
async def connected(kind: str, folder: Path) -> AsyncIterator[Rig]:
    """Connect the two: `plain`, over `tls`, or the latter `proxied`; in the end nothing is open."""
    server, client_tls = (None, None) if kind == "plain" else certificate(folder)
    async with serving(server) as upstream:
        async with a_client(kind == "proxied", client_tls) as (client, asked):
            yield Rig(upstream, client)
        await until(lambda: upstream.open == 0)
        assert len(asked) == (upstream.connections if kind == "proxied" else 0)
