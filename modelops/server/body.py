"""Reading a request's body whole, with bounds on its size and on how slowly it may come."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Mapping

from uvicorn._types import ASGIReceiveCallable

from modelops.server.body_budget import BudgetExceededError, Reservation
from modelops.server.cycle import Cycle

BODY_MAX = 64 * 1024 * 1024
"""Bytes of a body: images and documents are real, and Anthropic takes 32 MB, Gemini 100."""

BODY_GRACE_S = 30.0
BODY_BYTES_PER_S = 16_384
"""A body may take `BODY_GRACE_S` and a second for every 16 KiB of it that has arrived, so a slow
line gets through and a client that drips bytes does not."""

RETRY_AFTER = (b"retry-after", b"5")


class BodyError(Exception):
    """The body breaks a bound; `status` is what to answer, with `headers`."""

    def __init__(self, status: int, message: str, *headers: tuple[bytes, bytes]) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers


class ClientGoneError(Exception):
    """The client closed the connection before its request was complete."""


def body_at_hand(cycle: Cycle, reservation: Reservation) -> bytes | None:
    """Return the body when all of it has arrived, None when it has not; BodyError as `read_body`.

    Most bodies come with the head, and then neither a timer nor an event is needed.
    """
    if cycle.more_body or cycle.disconnected:
        return None
    body = bytes(cycle.body)
    cycle.body = b""
    cycle.flow.resume_reading()
    if len(body) > BODY_MAX:
        raise _too_large()
    try:
        reservation.reserve(len(body))
    except BudgetExceededError:
        raise _budget_exceeded() from None
    return body


async def read_body(
    headers: Mapping[bytes, bytes], receive: ASGIReceiveCallable, reservation: Reservation
) -> bytes:
    """Return the body; BodyError (408, 413, 503) or ClientGoneError when it does not come whole.

    `reservation` grows as the body arrives; whoever passes it in releases it.

    A body that announces too much is refused unread, one that lies about its length is counted.
    """
    announced = headers.get(b"content-length", b"")
    if len(announced) > 12 or (announced and int(announced) > BODY_MAX):
        raise _too_large()
    try:
        return await _read_pieces(receive, reservation)
    except BudgetExceededError:
        raise _budget_exceeded() from None


async def _read_pieces(receive: ASGIReceiveCallable, reservation: Reservation) -> bytes:
    """Return a body that comes in pieces, as long as they come fast enough."""
    loop = asyncio.get_running_loop()
    begun = loop.time()
    body = io.BytesIO()  # which gives what it holds without a copy
    more = True
    try:
        async with asyncio.timeout_at(begun + BODY_GRACE_S) as limit:
            while more:
                chunk, more = await _chunk(receive, reservation, body.tell())
                body.write(chunk)
                limit.reschedule(begun + BODY_GRACE_S + body.tell() / BODY_BYTES_PER_S)
    except TimeoutError:
        raise BodyError(408, "the request body arrived too slowly") from None
    return body.getvalue()


async def _chunk(
    receive: ASGIReceiveCallable, reservation: Reservation, before: int
) -> tuple[bytes, bool]:
    """Return the next piece of a body of which `before` bytes are here, and whether more follow."""
    message = await receive()
    if message["type"] != "http.request":
        raise ClientGoneError
    chunk = message["body"]
    if before + len(chunk) > BODY_MAX:
        raise _too_large()
    reservation.reserve(len(chunk))
    return chunk, message["more_body"]


def _budget_exceeded() -> BodyError:
    return BodyError(503, "the server is reading too many large bodies; try again", RETRY_AFTER)


def _too_large() -> BodyError:
    return BodyError(413, "the request body is larger than 64 MiB")
