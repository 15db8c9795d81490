"""Errors as each provider writes them: body, stream event and headers for a status.

Shapes and codes are those that the providers document or that were recorded from them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from modelops.simulator.wire import Protocol, RequestError, encode, sse

Value = TypeVar("Value")

OPENAI_CODES: Mapping[int, tuple[str, str | None]] = {
    400: ("invalid_request_error", None),
    401: ("invalid_request_error", "invalid_api_key"),
    402: ("insufficient_quota", "credit_balance_exhausted"),
    403: ("permission_error", "unsupported_country_region_territory"),
    404: ("invalid_request_error", "model_not_found"),
    413: ("invalid_request_error", "request_too_large"),
    429: ("requests", "rate_limit_exceeded"),
    500: ("server_error", None),
    503: ("server_error", "server_is_overloaded"),
}
"""`type` and `code` of OpenAI's errors by status."""

ANTHROPIC_TYPES: Mapping[int, str] = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}
"""`error.type` of Anthropic's errors by status."""

GEMINI_STATUSES: Mapping[int, str] = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ABORTED",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
"""`error.status` of Gemini's errors by HTTP status."""

MESSAGES: Mapping[int, str] = {
    400: "The request is invalid.",
    401: "The API key is not valid.",
    402: "The account has no credit left.",
    403: "This key may not use this model.",
    404: "The model does not exist or you do not have access to it.",
    408: "The request took too long to arrive.",
    409: "The request conflicts with another one.",
    413: "The request is too large.",
    422: "The request cannot be processed.",
    425: "Too early.",
    429: "Rate limit reached. Try again in 1s.",
    500: "The server had an error while processing the request.",
    502: "Bad gateway.",
    503: "The server is overloaded. Try again later.",
    504: "The server did not answer in time.",
    529: "Overloaded",
}
"""What the message of an error says, by status."""


def value(
    protocol: Protocol,
    status: int,
    message: str = "",
    *,
    code: str = "",
    param: str = "",
    error_code: str = "",
    request_id: str = "",
) -> dict[str, Any]:
    """Return an error in a protocol's own shape; what is not given follows from the status."""
    message = message or MESSAGES.get(status, f"Status {status}.")
    if protocol == "anthropic":
        kind = code or ANTHROPIC_TYPES.get(status, _class(status, ANTHROPIC_TYPES))
        error: dict[str, Any] = {"type": kind, "message": message}
        if error_code:
            error["details"] = {"error_code": error_code}
        return {"type": "error", "error": error, "request_id": request_id or None}
    if protocol == "gemini":
        return {"error": _gemini(status, message, code)}
    if protocol == "ollama":
        return {"error": message}
    kind, usual = OPENAI_CODES.get(status, _class(status, OPENAI_CODES))
    return {
        "error": {"message": message, "type": kind, "param": param or None, "code": code or usual}
    }


def refusal(protocol: Protocol, error: RequestError, request_id: str = "") -> dict[str, Any]:
    """Return the body for a request the provider refuses."""
    return value(
        protocol,
        error.status,
        error.message,
        code=error.code,
        param=error.param,
        error_code=error.error_code,
        request_id=request_id,
    )


def stream_event(protocol: Protocol, status: int, message: str = "", code: str = "") -> bytes:
    """Return an error as it comes inside a stream that began well."""
    error = value(protocol, status, message, code=code)
    if protocol == "anthropic":
        return sse(error, "error")
    if protocol == "ollama":
        return encode(error) + b"\n"
    if protocol == "gemini":
        return b"data: " + encode(error) + b"\r\n\r\n"
    return sse(error)


def headers(protocol: Protocol, status: int) -> dict[str, str]:
    """Return the headers that go with an error: how long to wait, where the protocol says so."""
    if status == 429 and protocol in {"openai", "anthropic"}:
        return {"retry-after": "1"}
    return {}


def _gemini(status: int, message: str, code: str) -> dict[str, Any]:
    error: dict[str, Any] = {
        "code": status,
        "message": message,
        "status": GEMINI_STATUSES.get(status, _class(status, GEMINI_STATUSES)),
    }
    if status == 429:
        retry = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "1s"}
        error["details"] = [retry]
    elif code:
        info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": code}
        error["details"] = [{**info, "domain": "googleapis.com"}]
    return error


def _class(status: int, table: Mapping[int, Value]) -> Value:
    return table[500] if status >= 500 else table[400]
