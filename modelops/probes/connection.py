"""The way to a provider in steps that can be told apart: name, connection, encryption.

Plain asyncio: an SDK says "connection error" for all of them. Where HTTPS_PROXY leads out, the
first two steps reach the proxy and the third goes through it, as the gateway's requests do.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import urllib.request
from urllib.parse import urlsplit

import msgspec

from modelops.probes.report import ProbeError

CONNECT_TIMEOUT = 10.0
"""Seconds for a connection, and again for the handshake; the gateway waits as long."""

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """Where a provider is: host and port of its base_url, and the proxy on the way or ''."""

    host: str
    port: int
    tls: bool
    proxy_host: str = ""
    proxy_port: int = 0


def endpoint(base_url: str) -> Endpoint:
    """Return where a base_url leads, over the proxy that the environment names for it."""
    url = urlsplit(base_url)
    host = url.hostname or ""
    tls = url.scheme == "https"
    port = url.port or (443 if tls else 80)
    proxy = urllib.request.getproxies().get("https", "") if tls else ""
    if not proxy or urllib.request.proxy_bypass(f"{host}:{port}"):
        return Endpoint(host=host, port=port, tls=tls)
    way = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    return Endpoint(
        host=host, port=port, tls=tls, proxy_host=way.hostname or "", proxy_port=way.port or 8080
    )


async def resolve(place: Endpoint) -> tuple[str, ...]:
    """Return the addresses of the host, or of the proxy before it."""
    host, port = _first_hop(place)
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT):
            found = await asyncio.get_running_loop().getaddrinfo(
                host, port, type=socket.SOCK_STREAM
            )
    except socket.gaierror as error:
        unknown = error.errno in (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", None))
        raise ProbeError(
            "dns_unknown" if unknown else "dns_failed", error.strerror or ""
        ) from error
    except TimeoutError as error:
        raise ProbeError("dns_failed", "no answer in time") from error
    return tuple(dict.fromkeys(str(address[4][0]) for address in found))


async def connect(place: Endpoint, addresses: tuple[str, ...]) -> Streams:
    """Return a connection to the first address that takes one, through any proxy on the way."""
    reasons = []
    for address in addresses:
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT):
                streams = await asyncio.open_connection(address, _first_hop(place)[1])
        except TimeoutError:
            reasons.append(ProbeError("connect_timeout"))
        except ConnectionRefusedError:
            reasons.append(ProbeError("refused"))
        except OSError as error:
            reasons.append(ProbeError("unreachable", error.strerror or str(error)))
        else:
            return await _through_proxy(place, streams) if place.proxy_host else streams
    raise reasons[-1]


async def encrypt(place: Endpoint, streams: Streams, context: ssl.SSLContext) -> str:
    """Turn a connection into a TLS one and return the version spoken."""
    _, writer = streams
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT):
            await writer.start_tls(context, server_hostname=place.host)
    except ssl.SSLCertVerificationError as error:
        raise ProbeError(_certificate_fault(error), error.verify_message) from error
    except ssl.SSLError as error:
        raise ProbeError("tls_not_spoken", error.reason or str(error)) from error
    except TimeoutError as error:
        raise ProbeError("tls_not_spoken", "no answer to the handshake") from error
    except OSError as error:
        raise ProbeError("tls_not_spoken", error.strerror or "connection ended") from error
    tls = writer.get_extra_info("ssl_object")
    return str(tls.version())


def close(streams: Streams) -> None:
    """Drop a connection at once: after a broken handshake there is nobody to say goodbye to."""
    streams[1].transport.abort()


def _first_hop(place: Endpoint) -> tuple[str, int]:
    return (place.proxy_host, place.proxy_port) if place.proxy_host else (place.host, place.port)


async def _through_proxy(place: Endpoint, streams: Streams) -> Streams:
    reader, writer = streams
    where = f"{place.host}:{place.port}"
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT):
            writer.write(f"CONNECT {where} HTTP/1.1\r\nhost: {where}\r\n\r\n".encode("latin-1"))
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
        close(streams)
        raise ProbeError("proxy_refused", "no answer to CONNECT") from error
    line = head.partition("\r\n")[0]
    if line.split(" ")[1:2] != ["200"]:
        close(streams)
        raise ProbeError("proxy_refused", line)
    return streams


def _certificate_fault(error: ssl.SSLCertVerificationError) -> str:
    """Return the code for a refused certificate; numbers are OpenSSL's X509_V_ERR_*."""
    if error.verify_code == 10:  # CERT_HAS_EXPIRED
        return "tls_expired"
    return "tls_hostname" if error.verify_code in (62, 64) else "tls_untrusted"  # HOST, IP mismatch
