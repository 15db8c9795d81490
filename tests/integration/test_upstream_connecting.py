"""Getting a connection: names, TLS, certificates, and cancelled calls."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import socket
import ssl
import threading
from pathlib import Path

import pytest
from faulty_upstream import certificate, serving
from upstream_ends import GRACE, TRIES, end_of, open_sockets, until
from upstream_rig import a_client

from modelops.gateway.upstream.errors import (
    ConnectError,
    ConnectTimeoutError,
    DnsError,
    LocalError,
    TlsError,
)
from modelops.gateway.upstream.http1 import Http1Client
from modelops.gateway.upstream.request import Origin, Request

DIRECTLY_AND_PROXIED = pytest.mark.parametrize("proxied", [False, True], ids=["direct", "proxied"])


async def test_a_refused_connection_and_an_unknown_name() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    client = Http1Client()
    with pytest.raises(ConnectError):
        await client.send(Request(Origin("127.0.0.1", port, tls=False), "/", b"", b""), 5.0)
    with pytest.raises(DnsError):
        await client.send(Request(Origin("a..b.invalid", 80, tls=False), "/", b"", b""), 5.0)
    await client.close()


async def test_a_server_without_descriptors_does_not_blame_the_provider() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    async with serving() as upstream:
        client = Http1Client()
        free = os.dup(0)
        os.close(free)
        resource.setrlimit(resource.RLIMIT_NOFILE, (free, hard))
        try:
            with pytest.raises(LocalError, match="Too many open files"):
                await client.send(Request(upstream.origin, "/ok", b"", b""), 5.0)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        await client.close()


@DIRECTLY_AND_PROXIED
async def test_a_listener_that_never_answers_tls_is_a_connect_timeout(proxied: bool) -> None:
    async with serving() as upstream, a_client(proxied, connect_timeout=0.05) as (client, _):
        origin = Origin("127.0.0.1", upstream.origin.port, tls=True)
        with pytest.raises(ConnectTimeoutError):
            await client.send(Request(origin, "/", b"", b""), 5.0)
        await asyncio.wait_for(until(lambda: upstream.open == 0), 1.0)


@DIRECTLY_AND_PROXIED
async def test_a_cancelled_tls_handshake_ends_its_connection(proxied: bool) -> None:
    async with serving() as upstream, a_client(proxied) as (client, _):
        origin = Origin("127.0.0.1", upstream.origin.port, tls=True)

        async def cancelled() -> float:
            task = asyncio.create_task(client.send(Request(origin, "/", b"", b""), 5.0))
            await asyncio.wait_for(until(lambda: upstream.open == 1), 1.0)
            return await end_of(task, upstream)

        assert min([await cancelled() for _ in range(TRIES)]) < GRACE


async def test_a_call_that_is_cancelled_before_it_is_connected_leaves_no_socket() -> None:
    with contextlib.ExitStack() as queue:
        listener = queue.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):  # more than wait at a listener that takes none: the next hangs
            waiting = queue.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        client, sockets = Http1Client(), open_sockets()
        origin = Origin("127.0.0.1", listener.getsockname()[1], tls=False)
        task = asyncio.create_task(client.send(Request(origin, "/", b"", b""), 5.0))
        await asyncio.wait_for(until(lambda: open_sockets() > sockets), 1.0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert open_sockets() == sockets
        await client.close()


async def test_a_call_that_is_cancelled_while_its_name_is_looked_up_never_connects(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with serving() as upstream:
        client = Http1Client()
        found = threading.Event()
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found.wait(10) and [])
        origin = Origin("provider.test", upstream.origin.port, tls=False)
        task = asyncio.create_task(client.send(Request(origin, "/ok", b"", b""), 5.0))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        found.set()
        await client.close()
        assert upstream.connections == 0


@DIRECTLY_AND_PROXIED
async def test_certificates_are_verified(tmp_path: Path, proxied: bool) -> None:
    server, _ = certificate(tmp_path)
    async with serving(server) as upstream, a_client(proxied) as (client, _):
        with pytest.raises(TlsError, match=r"self.signed"):
            await client.send(Request(upstream.origin, "/ok", b"", b""), 5.0)


@DIRECTLY_AND_PROXIED
async def test_a_certificate_for_another_name_is_refused(tmp_path: Path, proxied: bool) -> None:
    server, trusting = certificate(tmp_path, "other.test")
    async with serving(server) as upstream, a_client(proxied, trusting) as (client, _):
        with pytest.raises(TlsError, match=r"127\.0\.0\.1"):
            await client.send(Request(upstream.origin, "/ok", b"", b""), 5.0)


def test_the_default_tls_settings_verify() -> None:
    from modelops.gateway.upstream.connect import tls_context

    context = tls_context()
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
