"""The proxy that the environment names, and what goes through it: `HTTPS_PROXY`, `NO_PROXY`."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from urllib.parse import unquote, urlsplit

from modelops.gateway.upstream.request import Origin
from modelops.resources.errors import ModelopsError


class Proxy:
    """Where a proxy listens, and the headers it is sent. Shows nothing of its password."""

    __slots__ = ("_no_proxy", "headers", "url")

    def __init__(self, url: str, headers: Mapping[str, str], no_proxy: str = "") -> None:
        self.url = url
        self.headers = headers
        self._no_proxy = no_proxy

    def __repr__(self) -> str:
        return f"Proxy({self.url})"

    def serves(self, origin: Origin) -> bool:
        """Whether an origin is reached through it: TLS ones that NO_PROXY does not name."""
        names = [name.strip().lower() for name in self._no_proxy.split(",") if name.strip()]
        return origin.tls and not any(_named(name, origin) for name in names)


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
    headers = {}
    if parts.username is not None:
        credentials = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers["Proxy-Authorization"] = f"Basic {base64.b64encode(credentials.encode()).decode()}"
    no_proxy = environment.get("NO_PROXY") or environment.get("no_proxy") or ""
    origin = Origin(parts.hostname, parts.port or 80, tls=False)
    return Proxy(f"http://{origin.authority}", headers, no_proxy)


def _named(name: str, origin: Origin) -> bool:
    """Whether a NO_PROXY entry names an origin: `*`, a host, a domain, either with a port."""
    host, colon, port = name.rpartition(":")
    if colon and port.isdigit():
        if int(port) != origin.port:
            return False
        name = host
    name = name.removeprefix("*.").lstrip(".")
    return name == "*" or origin.host == name or origin.host.endswith(f".{name}")
