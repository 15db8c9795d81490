"""What aiohttp raises, told as what the upstream client tells.

No word of aiohttp's is passed on: its errors hold URLs and headers.
"""

from __future__ import annotations

import aiohttp

from modelops.gateway.upstream.errors import (
    OUT_OF,
    ConnectError,
    LocalError,
    MalformedError,
    ResetError,
    TlsError,
    TruncatedError,
    UpstreamError,
)
from modelops.gateway.upstream.proxied_connection import Watched
from modelops.gateway.upstream.request import Origin


def told(error: Exception, origin: Origin, connection: Watched | None) -> UpstreamError:
    """Return what an error before the response's head means, on a connection or without one."""
    if connection is None:
        return _no_connection(error, origin)
    if isinstance(error, aiohttp.ClientResponseError):
        return MalformedError("the response is not HTTP/1.1")
    if connection.answered:
        return TruncatedError("the connection ended in the middle of the response")
    return ResetError("the connection ended before a byte of the response came")


def _no_connection(error: Exception, origin: Origin) -> UpstreamError:
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return ConnectError(f"the proxy does not open a tunnel: {error.status}")
    if isinstance(error, aiohttp.ClientProxyConnectionError):
        reason = error.os_error.strerror or type(error.os_error).__name__
        if error.os_error.errno in OUT_OF:
            return LocalError(f"this server cannot open a connection: {reason}")
        return ConnectError(f"the proxy takes no connection: {reason}")
    if isinstance(error, (aiohttp.ClientConnectorCertificateError, aiohttp.ClientConnectorError)):
        cause = error.__cause__
        reason = getattr(cause, "verify_message", "") or getattr(cause, "strerror", "")
        return TlsError(f"no TLS with {origin.authority}: {reason or 'the connection ended'}")
    if isinstance(error, aiohttp.ClientResponseError):
        return ConnectError("the proxy does not open a tunnel: no HTTP")
    return ConnectError("the proxy ended the connection")
