"""Reading a request's body whole, with bounds on its size and on how slowly it may come."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from litestar.types import Receive

BODY_MAX = 64 * 1024 * 1024
"""Bytes of a body: images and documents are real, and Anthropic takes 32 MB, Gemini 100."""

BODY_GRACE_S = 30.0
BODY_BYTES_PER_S = 16_384
"""A body may take `BODY_GRACE_S` and a second for every 16 KiB of it that has arrived, so a slow
line gets through and a client that drips bytes does not."""


class BodyError(Exception):
    """The body breaks a bound; `status` is what to answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class ClientGoneError(Exception):
    """The client closed the connection before its request was complete."""


async def read_body(
    headers: Mapping[bytes, bytes], receive: Receive, *, is_whole: bool = False
) -> bytes:
    """Return the body; BodyError (408, 413) or ClientGoneError when it does not come whole.

    A body that announces too much is refused unread, one that lies about its length is counted.
    `is_whole` says that it has arrived, so that no timer is needed: most bodies come with the head.
    """
    announced = headers.get(b"content-length", b"")
    if len(announced) > 12 or (announced and int(announced) > BODY_MAX):
        raise _too_large()
    if is_whole:
        message = await receive()
        if message["type"] != "http.request":
            raise ClientGoneError
        if len(message["body"]) > BODY_MAX:
            raise _too_large()
        return message["body"]
    loop = asyncio.get_running_loop()
    begun = loop.time()
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout_at(begun + BODY_GRACE_S) as limit:
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    raise ClientGoneError
                chunk = message["body"]
                if not message["more_body"]:
                    chunks.append(chunk)
                    break
                chunks.append(chunk)
                size += len(chunk)
                if size > BODY_MAX:
                    raise _too_large()
                limit.reschedule(begun + BODY_GRACE_S + size / BODY_BYTES_PER_S)
    except TimeoutError:
        raise BodyError(408, "the request body arrived too slowly") from None
    if size + len(chunks[-1]) > BODY_MAX:
        raise _too_large()
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _too_large() -> BodyError:
    return BodyError(413, "the request body is larger than 64 MiB")
