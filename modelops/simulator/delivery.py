"""How a response leaves: the bytes, the waits between them, and how it ends. Faults happen here.

`spoil` changes what is said, `deliver` changes how it is said. Both are pure, so that what a fault
does can be read and tested without a socket.
"""

from __future__ import annotations

import http
from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec

from modelops.simulator import errors, unmetered
from modelops.simulator.faults import Fault
from modelops.simulator.wire import JSON_TYPE, Response, Tokens, encode

End = Literal["finish", "close", "reset", "hang"]

HTML = b"<html>\r\n<head><title>%s</title></head>\r\n<body>\r\n<center><h1>%s</h1></center>\r\n"
LAST_CHUNK = b"0\r\n\r\n"


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes to write and seconds to wait, in order, and what then becomes of the connection.

    `finish` keeps it for the next request, `hang` leaves it open without ever ending the answer.
    """

    steps: tuple[bytes | float, ...] = ()
    end: End = "finish"


def spoil(response: Response, fault: Fault) -> Response:
    """Return what is said when this fault happens; kinds that only delay or cut leave it alone."""
    match fault.kind:
        case "status":
            return _error(response, fault, fault.status or 500)
        case "html":
            return _html(response, fault.status or 502)
        case "empty":
            return _whole(response, 200, b"")
        case "wrong_type":
            return _typed(response, "text/plain; charset=utf-8")
        case "truncated_json" | "error_in_200" | "error_in_stream" | "malformed_event":
            return _broken(response, fault)
        case "no_usage":
            return unmetered.response(response)
        case "oversized_event" if response.frames is not None:
            padding = b": " + b"x" * max(0, fault.size - 4) + b"\n\n"
            return _inserted(response, fault.after_events, padding)
        case _:
            return response


def deliver(response: Response, fault: Fault | None) -> Delivery:
    """Return the steps that send a response, whole or as this fault has it."""
    if fault is None:
        return Delivery(steps=_steps(response))
    delay = fault.delay_ms / 1000
    first: tuple[float, ...] = (delay,) if delay else ()
    match fault.kind:
        case "hang":
            return Delivery(end="hang")
        case "close" | "reset":
            return Delivery(steps=first, end=fault.kind)
        case "pace":
            return Delivery(steps=paced(_steps(response), delay))
        case "slow_head":
            begin, *rest = _steps(response)
            end = begin.index(b"\r\n\r\n")
            drops = (bytes([byte]) for byte in begin[:end])
            return Delivery(steps=(*paced(drops, delay), begin[end:], *rest))
        case "cut":
            return Delivery(steps=(*first, *_part(response, fault)), end="close")
        case "malformed_chunk":
            broken = msgspec.structs.replace(response, frames=response.frames or (response.body,))
            return Delivery(steps=(*first, *_part(broken, fault), b"zz\r\nbroken\r\n"), end="close")
        case "stall" if not delay:
            return Delivery(steps=_part(response, fault), end="hang")
        case "stall":
            begun = _part(response, fault)
            sent = sum(len(step) for step in begun)
            remaining = b"".join(_steps(response))[sent:]
            return Delivery(steps=(*begun, delay, remaining))
        case _:
            return Delivery(steps=(*first, *_steps(response)))


def paced(steps: Iterable[bytes | float], seconds: float) -> tuple[bytes | float, ...]:
    """Return steps with a wait between every two."""
    spaced: list[bytes | float] = []
    for step in steps:
        spaced += [step, seconds]
    return tuple(spaced[:-1])


def head(status: int, headers: Mapping[str, str], length: int | None) -> bytes:
    """Return the head of an answer; without a length it is sent in chunks."""
    try:
        phrase = http.HTTPStatus(status).phrase
    except ValueError:
        phrase = "Overloaded" if status == 529 else "Unknown"
    framing = "transfer-encoding: chunked" if length is None else f"content-length: {length}"
    lines = [f"HTTP/1.1 {status} {phrase}", framing]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def chunk(data: bytes) -> bytes:
    """Return a piece of a body in chunked encoding."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def _steps(response: Response) -> tuple[bytes, ...]:
    if response.frames is None:
        begin = head(response.status, response.headers, len(response.body))
        return (begin + response.body,)
    begin = head(response.status, response.headers, None)
    return (begin, *(chunk(frame) for frame in response.frames), LAST_CHUNK)


def _part(response: Response, fault: Fault) -> tuple[bytes, ...]:
    steps = _steps(response)
    if response.frames is not None:
        return steps[: 1 + min(fault.after_events, len(response.frames))]
    return (steps[0][: len(steps[0]) - len(response.body) // 2 - 1],)


def _error(response: Response, fault: Fault, status: int) -> Response:
    if fault.body is None:
        value = errors.value(
            response.protocol,
            status,
            fault.message,
            code=fault.code,
            request_id=response.request_id,
        )
        body = encode(value)
    else:
        body = fault.body.encode()
    headers = {**errors.headers(response.protocol, status), **fault.headers}
    failed = _whole(response, status, body)
    kept = {name: text for name, text in {**failed.headers, **headers}.items() if text is not None}
    return msgspec.structs.replace(failed, headers=kept)


def _html(response: Response, status: int) -> Response:
    title = f"{status} {errors.MESSAGES.get(status, '')}".strip().encode()
    page = HTML % (title, title) + b"<hr><center>cloudflare</center>\r\n</body>\r\n</html>\r\n"
    return _typed(_whole(response, status, page), "text/html")


def _broken(response: Response, fault: Fault) -> Response:
    status = fault.status or 500
    failing = fault.kind in {"error_in_200", "error_in_stream"}
    if response.frames is None:
        if failing:
            return msgspec.structs.replace(_error(response, fault, status), status=200)
        half = response.body[: len(response.body) // 2]
        return msgspec.structs.replace(response, body=half)
    if fault.kind == "malformed_event":
        return _inserted(response, fault.after_events, b'data: {"broken": \n\n')
    if fault.kind == "truncated_json":
        return _kept(response, response.frames[: len(response.frames) // 2])
    begun = response.frames[: fault.after_events] if fault.kind == "error_in_stream" else ()
    event = (
        errors.stream_event(response.protocol, status, fault.message, fault.code)
        if fault.body is None
        else fault.body.encode()
    )
    return msgspec.structs.replace(response, frames=(*begun, event), tokens=Tokens())


def _inserted(response: Response, place: int, frame: bytes) -> Response:
    frames = response.frames or ()
    return _kept(response, (*frames[:place], frame, *frames[place:]))


def _kept(response: Response, frames: tuple[bytes, ...]) -> Response:
    return msgspec.structs.replace(response, frames=frames)


def _whole(response: Response, status: int, body: bytes) -> Response:
    headers = {**response.headers, "content-type": JSON_TYPE}
    return msgspec.structs.replace(
        response, status=status, body=body, frames=None, headers=headers, tokens=Tokens()
    )


def _typed(response: Response, content_type: str) -> Response:
    headers = {**response.headers, "content-type": content_type}
    return msgspec.structs.replace(response, headers=headers)
