"""Errors the gateway itself answers with, in the shape the caller's SDK expects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from modelops.gateway.call import Dialect, Headers

_OPENAI_TYPES = {403: "permission_error", 429: "rate_limit_error"}
_ANTHROPIC_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
}
NOT_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for bytes that are not JSON, or whose strings are not UTF-8."""

INVALID_ANSWER = "invalid_answer"
"""The code of an error that the gateway itself found in an answer; no provider reported it."""

DO_NOT_RETRY = (b"x-should-retry", b"false")
"""The official OpenAI and Anthropic SDKs obey it: a chain has retried already."""


class GatewayError(Exception):
    """An answer other than a provider's. `code` is stable and documented, `message` is for people.

    `headers` go with it; `details` is for Anthropic's SDKs, which act on it.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        headers: Headers = (DO_NOT_RETRY,),
        details: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers
        self.details = details


def invalid_answer_body(message: str) -> bytes:
    """Return what is wrong with an answer in the form of a provider's error."""
    return msgspec.json.encode({"error": {"message": message, "code": INVALID_ANSWER}})


def error_object(dialect: Dialect, error: GatewayError, request_id: str) -> dict[str, object]:
    """Return the error as the JSON object that callers of a dialect expect."""
    if dialect == "anthropic":
        default = "invalid_request_error" if error.status < 500 else "api_error"
        kind = _ANTHROPIC_TYPES.get(error.status, default)
        detail: dict[str, object] = {"type": kind, "message": error.message, "code": error.code}
        if error.details:
            detail["details"] = error.details
        return {"type": "error", "error": detail, "request_id": request_id}
    default = "invalid_request_error" if error.status < 500 else "api_error"
    return {
        "error": {
            "message": error.message,
            "type": _OPENAI_TYPES.get(error.status, default),
            "param": None,
            "code": error.code,
        }
    }


def error_body(dialect: Dialect, error: GatewayError, request_id: str) -> bytes:
    """Return the body of an error answer."""
    return msgspec.json.encode(error_object(dialect, error, request_id))


class Begun(NamedTuple):
    """A stream of Responses so far: the number of its next event, and its `response.created`."""

    number: int
    created: bytes


def error_event(
    dialect: Dialect, error: GatewayError, request_id: str, begun: Begun | None = None
) -> bytes:
    """Return the server-sent event that ends a stream which has begun; two in one of Responses."""
    if begun is not None:
        return _failed(begun, error, error_object(dialect, error, request_id))
    name = b"event: error\n" if dialect == "anthropic" else b""
    return b"%bdata: %b\n\n" % (name, error_body(dialect, error, request_id))


def _failed(begun: Begun, error: GatewayError, told: Mapping[str, object]) -> bytes:
    """Return `error` and `response.failed`, as OpenAI does: some clients wait for the latter."""
    number = begun.number
    out = _numbered({"type": "error", "sequence_number": number, **told})
    if begun.created:
        response = msgspec.json.decode(begun.created)["response"]
        response |= {"status": "failed", "error": {"code": error.code, "message": error.message}}
        failed = {"type": "response.failed", "sequence_number": number + 1, "response": response}
        out += _numbered(failed)
    return out


def _numbered(event: Mapping[str, object]) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (str(event["type"]).encode(), msgspec.json.encode(event))
