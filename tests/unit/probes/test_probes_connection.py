"""The way to a provider: names, TLS, certificates, proxies, and what is no HTTP."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from typing import Any

import pytest
from probes_support import KEY, Canned, code_of, failed, listing, model, probed, provider, steps


async def test_an_unknown_host() -> None:
    report = await probed(provider("https://no-such-host.invalid/v1"))
    assert report.status == "disconnected"
    assert failed(report).step == "dns"
    assert steps(report)["tcp"] == "skipped"


async def test_nothing_listens() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        report = await probed(provider(f"http://127.0.0.1:{unused.getsockname()[1]}"))
    assert report.status == "disconnected"
    assert code_of(report) == "refused"


async def test_tls_is_spoken_and_named(
    tls_server: Callable[..., Any], trusting: ssl.SSLContext
) -> None:
    server = await tls_server()
    server.json("/models", listing())
    report = await probed(provider(server.url), tls=trusting)
    assert report.status == "connected"
    assert report.steps[2].detail.startswith("TLSv1")


@pytest.mark.parametrize(
    ("host", "expired", "trusted", "code"),
    [
        ("127.0.0.1", True, True, "tls_expired"),
        ("other.example", False, True, "tls_hostname"),
        ("127.0.0.1", False, False, "tls_untrusted"),
    ],
)
async def test_certificates_are_checked(
    tls_server: Callable[..., Any],
    trusting: ssl.SSLContext,
    host: str,
    expired: bool,
    trusted: bool,
    code: str,
) -> None:
    server = await tls_server(host, expired=expired)
    context = trusting if trusted else ssl.create_default_context()
    report = await probed(provider(server.url), tls=context)
    assert report.status == "disconnected"
    assert code_of(report) == code
    assert server.asked == []  # the key never went out


async def _serving(greeting: bytes, *, wait: bool = False) -> asyncio.Server:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.read(10)
            writer.write(greeting)
            if wait:
                await reader.read()
        except ConnectionError:
            return  # the client hung up, as it should
        finally:
            writer.close()

    return await asyncio.start_server(greet, "127.0.0.1", 0)


@pytest.mark.parametrize(
    ("scheme", "greeting", "wait", "code"),
    [
        ("https", b"HTTP/1.1 400 Bad Request\r\n\r\n", False, "tls_not_spoken"),
        ("https", b"", True, "tls_not_spoken"),
        ("http", b"220 mail.example ESMTP\r\n", False, "not_http"),
        ("http", b"", False, "cut_off"),
        ("http", b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{", True, "answer_timeout"),
        ("http", b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{", False, "cut_off"),
    ],
)
async def test_what_speaks_something_else_or_nothing(
    monkeypatch: pytest.MonkeyPatch, scheme: str, greeting: bytes, wait: bool, code: str
) -> None:
    monkeypatch.setattr("modelops.probes.connection.CONNECT_TIMEOUT", 0.1)
    monkeypatch.setattr("modelops.probes.session.ANSWER_TIMEOUT", 0.1)
    async with await _serving(greeting, wait=wait) as server:
        port = server.sockets[0].getsockname()[1]
        report = await probed(provider(f"{scheme}://127.0.0.1:{port}"))
    assert code_of(report) == code


async def test_an_answer_may_end_with_its_connection() -> None:
    async with await _serving(b'HTTP/1.1 200 OK\r\n\r\n{"data": []}') as server:
        report = await probed(provider(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"))
    assert report.status == "connected"


async def test_an_answer_is_bounded(canned: Canned, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modelops.probes.http.MAX_ANSWER", 100)
    canned.json("/models", listing(*"abcdefghijkl"))
    assert code_of(await probed(provider(canned.url))) == "not_the_api"


async def test_a_proxy_is_asked_to_connect(canned: Canned, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", canned.url)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    report = await probed(provider("https://llm.example/v1"))
    assert code_of(report) == "proxy_refused"  # the canned server answers 404
    assert canned.asked[0][0] == "llm.example:443"
    assert KEY.reveal() not in repr(canned.asked)


async def test_tls_goes_through_a_proxy(
    tls_server: Callable[..., Any], trusting: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = await tls_server("llm.example")
    server.json("/v1/models", listing("a"))
    heads: list[bytes] = []

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        onward, back = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        try:
            await asyncio.gather(_pump(reader, back), _pump(onward, writer))
        except ConnectionError:
            return  # the client is done
        finally:
            back.close()
            writer.close()

    async with await asyncio.start_server(relay, "127.0.0.1", 0) as proxy:
        port = proxy.sockets[0].getsockname()[1]
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{port}")
        monkeypatch.setenv("no_proxy", "")
        report = await probed(provider("https://llm.example/v1"), model("a"), tls=trusting)
    assert report.status == "connected", report
    assert report.steps[1].detail == f"through 127.0.0.1:{port}"
    assert heads[0].startswith(b"CONNECT llm.example:443 HTTP/1.1\r\n")
    assert KEY.reveal().encode() not in b"".join(heads)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
    writer.close()
