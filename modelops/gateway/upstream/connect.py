"""Opening connections: name look-up, TCP, TLS, each failing as what it is.

The steps are taken one by one rather than by one call of asyncio, because that call neither tells
its failures apart nor ends a handshake that is cancelled.
"""

from __future__ import annotations

import asyncio
import errno
import ssl
from collections.abc import Callable

from modelops.gateway.upstream.connection import Connection
from modelops.gateway.upstream.errors import (
    OUT_OF,
    ConnectError,
    ConnectTimeoutError,
    LocalError,
    TlsError,
)
from modelops.gateway.upstream.names import Names
from modelops.gateway.upstream.request import Origin

ADDRESSES_MAX = 4
"""Addresses of a host that are tried; the time is shared between those that are left."""


def tls_context() -> ssl.SSLContext:
    """Return the settings for TLS: certificates and host names verified, HTTP/1.1 only."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


async def connect(
    make: Callable[[], Connection],
    names: Names,
    origin: Origin,
    tls: ssl.SSLContext,
    wait: float,
) -> Connection:
    """Return a new connection to an origin within `wait` seconds."""
    try:
        async with asyncio.timeout(wait):
            transport, connection = await _dial(make, names, origin, wait)
            if origin.tls:
                connection.connection_made(await _start_tls(transport, connection, tls, origin))
            return connection
    except TimeoutError:
        raise _late(origin) from None


def _late(origin: Origin) -> ConnectTimeoutError:
    return ConnectTimeoutError(f"{origin.authority} did not take the connection in time")


async def _dial(
    make: Callable[[], Connection], names: Names, origin: Origin, wait: float
) -> tuple[asyncio.Transport, Connection]:
    loop = asyncio.get_running_loop()
    end = loop.time() + wait
    addresses = (await names.addresses(origin.host))[:ADDRESSES_MAX]
    reason = "it has no address"
    lacks: list[bool] = []  # whether it was this side that lacked something
    for left, address in zip(range(len(addresses), 0, -1), addresses, strict=True):
        try:
            async with asyncio.timeout((end - loop.time()) / left):
                return await loop.create_connection(make, address, origin.port)
        except TimeoutError:
            reason = "no answer in time"
            lacks.append(False)
        except OSError as error:
            reason = error.strerror or str(error)
            if ":" not in address or error.errno != errno.EADDRNOTAVAIL:  # else it has no IPv6
                lacks.append(error.errno in OUT_OF)
    if lacks and all(lacks):
        raise LocalError(f"this server cannot open a connection: {reason}")
    if reason == "no answer in time":
        raise _late(origin)
    raise ConnectError(f"{origin.authority} takes no connection: {reason}")


async def _start_tls(
    transport: asyncio.Transport, connection: Connection, tls: ssl.SSLContext, origin: Origin
) -> asyncio.Transport:
    loop = asyncio.get_running_loop()
    try:
        secured = await loop.start_tls(transport, connection, tls, server_hostname=origin.host)
    except OSError as error:  # ssl.SSLError is one, and so is a peer that hangs up
        transport.abort()
        reason = getattr(error, "verify_message", "") or error.strerror or str(error)
        raise TlsError(f"no TLS with {origin.authority}: {reason}") from None
    except BaseException:
        transport.abort()
        raise
    if secured is None:
        raise TlsError(f"{origin.authority} ended the TLS handshake")
    return secured
