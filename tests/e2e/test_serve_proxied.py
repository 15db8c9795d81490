"""A server whose providers are reached through a proxy alone."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

from certificates import make_certificate
from server_process import Server, apply, request, serving, simulator, write_configuration
from tunnels import joined, proxying, taking

KEY = "sk-canary-of-the-proxied"


@contextlib.asynccontextmanager
async def over_tls(url: str, tls: ssl.SSLContext) -> AsyncIterator[str]:
    """Serve what a plain server serves, over TLS; yields its URL."""
    address = urlsplit(url)

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await joined(reader, writer, str(address.hostname), address.port or 80)

    async with taking(handle, tls) as port:
        yield f"https://127.0.0.1:{port}"


def streamed(server: Server) -> list[str]:
    """Return the data of the events of a stream."""
    said = [{"role": "user", "content": "Hello"}]
    body = {"model": "first/static-40x25ms", "messages": said, "stream": True}
    status, text = request(server.url, "POST", "/v1/chat/completions", body, read=bytes.decode)
    assert status == 200, text
    return [line.removeprefix("data: ") for line in text.splitlines() if line]


async def test_requests_and_streams_go_through_the_proxy(tmp_path: Path) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(make_certificate(tmp_path))
    with simulator() as plain:
        async with over_tls(plain, tls) as url, proxying() as heads:
            folder = tmp_path / "configuration"
            write_configuration(folder, url)
            await asyncio.to_thread(apply, folder)
            environment = {
                "HTTPS_PROXY": f"http://127.0.0.1:{int(heads.pop())}",
                "SSL_CERT_FILE": str(tmp_path / "server.pem"),
                "MODELOPS_SECRET_TEST": KEY,
            }
            with serving(folder, **environment) as server:
                status, body = await asyncio.to_thread(server.ask)
                assert status == 200, body
                assert json.dumps(body).count("canary") == 0
                events = await asyncio.to_thread(streamed, server)
                assert events[-1] == "[DONE]"
                assert len(events) > 40
            host = urlsplit(url).netloc
            assert heads, "the proxy was asked"
            assert all(head.startswith(f"CONNECT {host} ".encode()) for head in heads)
            assert KEY.encode() not in b"".join(heads)
