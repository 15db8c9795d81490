"""The way through a proxy: which proxy, what it is asked, and what it may do wrong."""

from __future__ import annotations

import asyncio
import os
import resource
import socket
import threading
from pathlib import Path

import pytest
from faulty_upstream import certificate, serving
from tunnels import proxying
from upstream_ends import open_sockets, until
from upstream_rig import Rig, a_client, connected, proxy_at

from modelops.gateway.upstream.errors import (
    ClosedError,
    ConnectError,
    ConnectTimeoutError,
    DnsError,
    LocalError,
    ResetError,
)
from modelops.gateway.upstream.proxied import ProxiedClient
from modelops.gateway.upstream.proxy import proxy_from
from modelops.gateway.upstream.request import Origin, Request
from modelops.resources.errors import ModelopsError

URL = "http://u:p%40ss@proxy.test:3128"
SOMEWHERE = Request(Origin("provider.test", 443, tls=True), "/", b"", b"")


def test_which_origins_go_through_a_proxy() -> None:
    proxy = proxy_from({"HTTPS_PROXY": URL, "NO_PROXY": ".local, x.test,y.test:8443"})
    assert proxy is not None
    assert "ss" not in repr(proxy)
    assert proxy.url == "http://proxy.test:3128"
    assert proxy.headers == {"Proxy-Authorization": "Basic dTpwQHNz"}
    assert proxy.serves(Origin("api.openai.com", 443, tls=True))
    assert not proxy.serves(Origin("x.test", 443, tls=True))
    assert not proxy.serves(Origin("gpu.local", 443, tls=True))
    assert not proxy.serves(Origin("y.test", 8443, tls=True))
    assert proxy.serves(Origin("y.test", 443, tls=True))
    assert not proxy.serves(Origin("api.openai.com", 80, tls=False))
    assert proxy_from({}) is None
    with pytest.raises(ModelopsError, match="http:// proxy"):
        proxy_from({"HTTPS_PROXY": "socks5://proxy.test"})


async def test_a_proxy_is_told_where_to_and_its_password_and_no_more(tmp_path: Path) -> None:
    server, trusting = certificate(tmp_path)
    async with serving(server) as upstream, a_client(True, trusting) as (client, asked):
        request = Request(upstream.origin, "/ok", b"authorization: Bearer key\r\n", b"{}")
        (await client.send(request, 5.0)).close()
        (head,) = asked
        assert head.startswith(b"CONNECT 127.0.0.1:%d HTTP/1.1\r\n" % upstream.origin.port)
        assert b"\r\nProxy-Authorization: Basic bWU6c2VjcmV0\r\n" in head
        assert b"Bearer" not in head
        assert b"secret" not in upstream.requests[0][2]


async def test_origins_without_tls_are_reached_directly() -> None:
    async with serving() as upstream, a_client(True) as (client, asked):
        rig = Rig(upstream, client)
        assert await rig.fetch("/ok") == (200, b"ok")
        assert not asked


async def test_headers_arrive_byte_for_byte(tmp_path: Path) -> None:
    async with connected("proxied", tmp_path) as rig:
        for value in ("a: b", "caf\u00e9"):
            request = rig.request("/ok")
            request.headers += f"x-said: {value}\r\n".encode()
            (await rig.client.send(request, 5.0)).close()
            assert f"x-said: {value}\r\n".encode() in rig.upstream.requests[-1][2]


async def test_a_path_arrives_byte_for_byte(tmp_path: Path) -> None:
    async with connected("proxied", tmp_path) as rig:
        path = "/v1/models/a%2Fb:generate?alt=sse&x=%7E"
        with pytest.raises(ResetError):
            await rig.client.send(rig.request(path), 5.0)
        assert rig.upstream.requests[-1][1] == path


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required", r": 407\Z"),
        (b"HTTP/1.1 502 Bad Gateway", r": 502\Z"),
        (b"SSH-2.0-OpenSSH_9.6", r": no HTTP\Z"),
        (b"HTTP/1.1 2", r"no HTTP\Z|ended the connection\Z"),
    ],
)
async def test_a_proxy_that_opens_no_tunnel_is_a_connect_error(answer: bytes, message: str) -> None:
    async with proxying(answer) as heads:
        client = ProxiedClient(proxy_at(int(heads[0])))
        with pytest.raises(ConnectError, match=message):
            await client.send(SOMEWHERE, 5.0)
        await client.close()


async def test_a_closed_client_opens_no_tunnel() -> None:
    async with proxying() as heads:
        client = ProxiedClient(proxy_at(int(heads[0])))
        await client.close()
        with pytest.raises(ClosedError):
            await client.send(SOMEWHERE, 5.0)
        assert len(heads) == 1


async def test_closing_ends_a_call_whose_proxy_is_looked_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found.wait(10) and [])
    proxy = proxy_from({"HTTPS_PROXY": "http://proxy.test:3128"})
    assert proxy is not None
    client = ProxiedClient(proxy)
    task = asyncio.create_task(client.send(SOMEWHERE, 5.0))
    await until(lambda: any(thread.name == "proxy.test" for thread in threading.enumerate()))
    await client.close()
    with pytest.raises(ClosedError):
        await task
    found.set()


async def test_a_proxy_that_is_not_there() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    client = ProxiedClient(proxy_at(port))
    with pytest.raises(ConnectError, match="proxy takes no connection"):
        await client.send(SOMEWHERE, 5.0)
    await client.close()


async def test_a_proxy_whose_name_has_no_address() -> None:
    proxy = proxy_from({"HTTPS_PROXY": "a..b.invalid:3128"})
    assert proxy is not None
    client = ProxiedClient(proxy)
    with pytest.raises(DnsError, match=r"a\.\.b\.invalid"):
        await client.send(SOMEWHERE, 5.0)
    await client.close()


async def test_a_proxy_that_hangs_is_a_connect_timeout_and_leaves_no_socket() -> None:
    sockets = open_sockets()
    async with proxying(b"") as heads:
        client = ProxiedClient(proxy_at(int(heads[0])), connect_timeout=0.05)
        with pytest.raises(ConnectTimeoutError):
            await client.send(SOMEWHERE, 5.0)
        client_of_little_time = ProxiedClient(proxy_at(int(heads[0])))
        with pytest.raises(ConnectTimeoutError):
            await client_of_little_time.send(SOMEWHERE, 0.05)
        await client.close()
        await client_of_little_time.close()
    await asyncio.wait_for(until(lambda: open_sockets() <= sockets), 1.0)


async def test_a_call_that_is_cancelled_while_its_tunnel_opens_leaves_no_socket() -> None:
    async with proxying(b"") as heads:
        sockets = open_sockets()
        client = ProxiedClient(proxy_at(int(heads[0])))
        task = asyncio.create_task(client.send(SOMEWHERE, 5.0))
        await asyncio.wait_for(until(lambda: len(heads) == 2), 1.0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(until(lambda: open_sockets() <= sockets), 1.0)
        await client.close()


async def test_a_server_without_descriptors_does_not_blame_the_proxy() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    async with proxying() as heads:
        client = ProxiedClient(proxy_at(int(heads[0])))
        free = os.dup(0)
        os.close(free)
        resource.setrlimit(resource.RLIMIT_NOFILE, (free, hard))
        try:
            with pytest.raises(LocalError, match="Too many open files"):
                await client.send(SOMEWHERE, 5.0)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        await client.close()
