"""What no gateway can be much cheaper than: bare ASGI that passes a request through, unread.

`PASS_CLIENT` picks the client, `PASS_TO` is the upstream's URL. Run under uvicorn with uvloop and
httptools, as modelops itself is.
"""

from __future__ import annotations

import os
from typing import Any

UPSTREAM = os.environ.get("PASS_TO", "")
Scope = dict[str, Any]


async def read_body(receive: Any) -> bytes:
    """Return the request body whole."""
    pieces = []
    while True:
        message = await receive()
        pieces.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(pieces)


class WithPyreqwest:
    """The settled floor: pyreqwest, streamed both ways."""

    def __init__(self) -> None:
        self.client: Any = None

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        if self.client is None:
            from pyreqwest.client import ClientBuilder

            self.client = ClientBuilder().no_proxy().build()
        body = await read_body(receive)
        request = (
            self.client.post(UPSTREAM)
            .headers({"content-type": "application/json", "authorization": "Bearer x"})
            .body_bytes(body)
            .streamed_read_buffer_limit(0)
            .build_streamed()
        )
        async with request as response:
            headers = [
                (name.encode(), value.encode())
                for name, value in response.headers.items()
                if name.lower() not in ("transfer-encoding", "connection")
            ]
            await send(
                {"type": "http.response.start", "status": response.status, "headers": headers}
            )
            while (chunk := await response.body_reader.read_chunk()) is not None:
                await send({"type": "http.response.body", "body": bytes(chunk), "more_body": True})
        await send({"type": "http.response.body", "body": b""})


class WithOwnClient:
    """The same with modelops' own upstream client."""

    def __init__(self) -> None:
        self.client: Any = None

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        from modelops.gateway.upstream.http1 import Http1Client
        from modelops.gateway.upstream.request import Request, split_url

        if self.client is None:
            self.client = Http1Client()
            self.origin, self.path = split_url(UPSTREAM)
        body = await read_body(receive)
        headers = (
            b"host: localhost\r\ncontent-type: application/json\r\nauthorization: Bearer x\r\n"
        )
        response = await self.client.send(
            Request(origin=self.origin, path=self.path, headers=headers, body=body), 30.0
        )
        await send(
            {
                "type": "http.response.start",
                "status": response.status,
                "headers": [
                    header
                    for header in response.headers
                    if header[0] not in (b"transfer-encoding", b"connection")
                ],
            }
        )
        while chunk := await response.read(30.0):
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        response.close()
        await send({"type": "http.response.body", "body": b""})


pyreqwest_app = WithPyreqwest()
own_app = WithOwnClient()
