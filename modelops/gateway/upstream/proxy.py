"""Reaching providers through a proxy: `HTTPS_PROXY`, `NO_PROXY`, and a CONNECT tunnel.

The tunnel carries the same bytes as a direct connection would: TLS is between the gateway and the
provider, so the proxy sees names and sizes, never keys.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping
from urllib.parse import unquote, urlsplit

from modelops.gateway.upstream.errors import ConnectError
from modelops.gateway.upstream.request import Origin
from modelops.resources.errors import ModelopsError

ANSWER_MAX = 16 * 1024
"""Bytes a proxy may answer a CONNECT with."""


class Proxy:
    """Where a proxy listens, and what it is told. Shows nothing of its password."""

    __slots__ = ("_authorization", "_no_proxy", "origin")

    def __init__(self, origin: Origin, authorization: str = "", no_proxy: str = "") -> None:
        self.origin = origin
        self._authorization = authorization
        self._no_proxy = no_proxy

    def __repr__(self) -> str:
        return f"Proxy({self.origin.authority})"

    def serves(self, origin: Origin) -> bool:
        """Whether an origin is reached through it: TLS ones that NO_PROXY does not name."""
        names = [name.strip().lower() for name in self._no_proxy.split(",") if name.strip()]
        return origin.tls and not any(_named(name, origin) for name in names)

    def request(self, origin: Origin) -> bytes:
        """Return the request for a tunnel to an origin."""
        host = f"[{origin.host}]" if ":" in origin.host else origin.host
        line = f"CONNECT {host}:{origin.port} HTTP/1.1\r\nhost: {host}:{origin.port}\r\n"
        return (line + self._authorization + "\r\n").encode("latin-1")


def proxy_from(environment: Mapping[str, str]) -> Proxy | None:
    """Return the proxy that HTTPS_PROXY (or https_proxy) names; ModelopsError when it is none."""
    url = environment.get("HTTPS_PROXY") or environment.get("https_proxy") or ""
    if not url:
        return None
    parts = urlsplit(url if "://" in url else f"http://{url}")
    if parts.scheme != "http" or not parts.hostname:
        raise ModelopsError(
            "HTTPS_PROXY does not name an http:// proxy", "write it as http://HOST:PORT"
        )
    authorization = ""
    if parts.username is not None:
        credentials = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        encoded = base64.b64encode(credentials.encode()).decode()
        authorization = f"proxy-authorization: Basic {encoded}\r\n"
    no_proxy = environment.get("NO_PROXY") or environment.get("no_proxy") or ""
    origin = Origin(parts.hostname, parts.port or 80, tls=False)
    return Proxy(origin, authorization, no_proxy)


def _named(name: str, origin: Origin) -> bool:
    """Whether a NO_PROXY entry names an origin: `*`, a host, a domain, either with a port."""
    host, colon, port = name.rpartition(":")
    if colon and port.isdigit():
        if int(port) != origin.port:
            return False
        name = host
    name = name.removeprefix("*.").lstrip(".")
    return name == "*" or origin.host == name or origin.host.endswith(f".{name}")


class Tunnel(asyncio.Protocol):
    """Waits for a proxy's answer to a CONNECT; afterwards the transport is another's."""

    def __init__(self) -> None:
        self._answer = b""
        self._opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def opened(self) -> None:
        """Return once the tunnel stands; ConnectError when the proxy refuses."""
        await self._opened

    def data_received(self, data: bytes) -> None:
        """Collect the answer's head."""
        self._answer += data
        head, end, rest = self._answer.partition(b"\r\n\r\n")
        if not end and len(self._answer) <= ANSWER_MAX:
            return
        status = head.split(b"\r\n")[0].split(b" ", 2)[1:2]
        if end and not rest and status and status[0].startswith(b"2"):
            self._finish(None)
        else:
            code = status[0][:3].decode() if status and status[0].isdigit() else "no HTTP"
            self._finish(ConnectError(f"the proxy does not open a tunnel: {code}"))

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell whoever waits."""
        self._finish(ConnectError("the proxy ended the connection"))

    def _finish(self, error: ConnectError | None) -> None:
        if self._opened.done():
            return
        if error is None:
            self._opened.set_result(None)
        else:
            self._opened.set_exception(error)
