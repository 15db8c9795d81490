"""Base URLs: one spelling for each, the origin a key may go to, and what counts as this machine."""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit

from modelops.resources import loopback

_DEFAULT_PORTS = {"http": 80, "https": 443}


def parse(url: str) -> SplitResult:
    """Split a URL; ValueError, with the reason, when it has no usable host or port."""
    parts = urlsplit(url)
    if not parts.hostname:
        raise ValueError("it has no host")
    if not parts.hostname.isascii():
        raise ValueError("write an international host name in its xn-- form")
    if parts.port == 0:
        raise ValueError("0 is not a port")
    return parts


def normalized(url: str) -> str:
    """Return a URL with a lower-case host and no trailing slash."""
    parts = parse(url)
    return parts._replace(netloc=parts.netloc.lower(), path=parts.path.rstrip("/")).geturl()


def origin(url: str) -> str:
    """Return scheme://host:port of a URL, the port always written."""
    parts = parse(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{parts.scheme}://{host}:{parts.port or _DEFAULT_PORTS[parts.scheme]}"


def is_loopback(url: str) -> bool:
    """Say whether a URL stays on this machine."""
    host = parse(url).hostname or ""
    return host.endswith(".localhost") or loopback.is_loopback(host)
