"""What the upstream client is given: where to, and the bytes of one request."""

from __future__ import annotations

from urllib.parse import urlsplit

import msgspec

_DEFAULT_PORTS = {"http": 80, "https": 443}


class Origin(msgspec.Struct, frozen=True, cache_hash=True):
    """Where a provider listens: the key of a connection pool."""

    host: str
    port: int
    tls: bool

    @property
    def authority(self) -> str:
        """The value of the Host header: the port stands there unless it is the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        default = _DEFAULT_PORTS["https" if self.tls else "http"]
        return host if self.port == default else f"{host}:{self.port}"


class Request:
    """One POST. `headers` are finished lines, each ended by CRLF, without content-length.

    The lines hold a key, so the request shows nothing but where it goes.
    """

    __slots__ = ("body", "headers", "origin", "path")

    def __init__(self, origin: Origin, path: str, headers: bytes, body: bytes) -> None:
        self.origin = origin
        self.path = path
        self.headers = headers
        self.body = body

    def __repr__(self) -> str:
        return f"Request({self.origin.authority}{self.path}, {len(self.body)} bytes)"


def split_url(url: str) -> tuple[Origin, str]:
    """Return the origin of an http(s) URL and its path without a trailing slash."""
    parts = urlsplit(url)
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise ValueError(f"{url!r} is not an http or https URL")
    port = parts.port or _DEFAULT_PORTS[parts.scheme]
    return Origin(parts.hostname, port, parts.scheme == "https"), parts.path.rstrip("/")
