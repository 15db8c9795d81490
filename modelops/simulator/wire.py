"""What crosses the simulator's edge, as data: a request read whole, a response to deliver.

Protocol files make a `Response` from a `Request`; faults change how it is delivered; the server
delivers it. Nothing here knows sockets.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeVar

import msgspec

Protocol = Literal["openai", "anthropic", "gemini", "ollama"]
"""How a request speaks, which decides the shape of its errors."""

JSON_TYPE = "application/json"
SSE_TYPE = "text/event-stream; charset=utf-8"
NDJSON_TYPE = "application/x-ndjson"


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A request, read whole. Header names are lower case; a repeated name keeps its last value.

    `provider` is the first segment of the path, `path` what follows it, without a leading slash
    and without a version segment (`v1`, `v1beta`).
    """

    method: str
    provider: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


class Tokens(msgspec.Struct, frozen=True, kw_only=True):
    """What a response used. Input includes the cache, output includes reasoning."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    cache_write_1h: int = 0
    reasoning: int = 0


class Response(msgspec.Struct, frozen=True, kw_only=True):
    """A response before anything goes wrong with it.

    `frames` are the events of a stream in their protocol's framing; None means that `body` is the
    whole answer. `request_id` is also in the headers, under the protocol's own name for it.
    """

    protocol: Protocol
    status: int = 200
    headers: Mapping[str, str] = {}
    body: bytes = b""
    frames: tuple[bytes, ...] | None = None
    model: str = ""
    user: str = ""
    request_id: str = ""
    tokens: Tokens = Tokens()


class RequestError(Exception):
    """A request the provider refuses: raised while reading, answered in the protocol's shape.

    `code` and `param` are what OpenAI puts into those fields, `error_code` is what Anthropic puts
    into `details`; other protocols ignore them.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        code: str = "",
        param: str = "",
        error_code: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.code = code
        self.param = param
        self.error_code = error_code


Body = TypeVar("Body")


def read(request: Request, form: type[Body]) -> Body:
    """Return the JSON body as `form`; RequestError when it is not JSON or does not fit."""
    try:
        return msgspec.json.decode(request.body, type=form)
    except msgspec.ValidationError as error:
        raise RequestError(f"Invalid request body: {error}") from None
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise RequestError("The body of your request is not valid JSON.") from None


def shaped(value: Any, form: type[Body]) -> Body:
    """Return decoded JSON as `form`; RequestError when it does not fit."""
    try:
        return msgspec.convert(value, form)
    except msgspec.ValidationError as error:
        raise RequestError(f"Invalid request body: {error}") from None


def encode(value: Any) -> bytes:
    """Return compact JSON."""
    return msgspec.json.encode(value)


def sse(value: Any, event: str = "") -> bytes:
    """Return one server-sent event with a JSON payload."""
    name = f"event: {event}\n".encode() if event else b""
    return name + b"data: " + msgspec.json.encode(value) + b"\n\n"
