"""Errors in the shape their reader expects: chosen by path, then by headers.

`/v1` answers like the API it stands for, OpenAI's or Anthropic's; everything else answers with
problem details (RFC 9457). Litestar calls `answer_error` for what it refuses before any handler,
for what controllers raise, and for bugs.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, get_args

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.types import Message, Scope

from modelops.gateway.call import REQUEST_ID, Dialect, Endpoint
from modelops.gateway.errors import GatewayError, error_body
from modelops.gateway.ids import new_id
from modelops.resources.errors import ExitCode, ModelopsError, RefusedError, StaleError
from modelops.server.access import AccessError
from modelops.store.protocol import StoreError

AnyRequest = Request[Any, Any, Any]

logger = logging.getLogger(__name__)

CODES = {
    400: "invalid_request",
    401: "invalid_api_key",
    403: "permission_denied",
    404: "not_found",
    405: "method_not_allowed",
    408: "request_timeout",
    413: "request_too_large",
    415: "unsupported_media_type",
    426: "upgrade_required",
    431: "request_head_too_large",
    500: "internal_error",
    503: "unavailable",
}
"""The stable code beside each status that the server, not the gateway, answers under `/v1`."""

_WITHOUT_V1 = frozenset(endpoint.removeprefix("/v1") for endpoint in get_args(Endpoint))
"""Where a request ends up whose client was given a base URL without `/v1`."""


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """Problem details (RFC 9457): `detail` says what is wrong, `hint` what to do next.

    `exit_code` is what a command would end with.
    """

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    hint: str = ""
    exit_code: int = ExitCode.ERROR


def server_error(status: int, message: str, *headers: tuple[bytes, bytes]) -> GatewayError:
    """Return an error that the server, not the gateway, answers under `/v1`."""
    return GatewayError(status, CODES.get(status, "invalid_request"), message, headers=headers)


async def name_request(message: Message, scope: Scope) -> None:
    """Put a request's id on the answer that Litestar gives under `/v1`."""
    if message["type"] == "http.response.start" and _is_v1(scope["path"]):
        request_id = _request_id(scope).encode()
        named = [(name, request_id) for name in (b"x-modelops-request-id", *REQUEST_ID.values())]
        message["headers"] = [*message["headers"], *named]


def _is_v1(path: str) -> bool:
    """Whether the caller expects the shape of one of the two APIs."""
    return f"{path}/".startswith("/v1/") or path in _WITHOUT_V1


def _nothing_at(path: str) -> str:
    """Return that nothing is served at a path, and what is wrong with the base URL if that is."""
    hint = ""
    if path in _WITHOUT_V1:
        hint = "; the base URL must end in /v1 for a client that does not add it, as OpenAI's SDK"
    elif path.startswith("/v1/v1/"):
        hint = "; the base URL has one /v1 too many: Anthropic's SDK adds it itself"
    return f"nothing is served at {path[:200]}{hint}"


def _request_id(scope: Scope) -> str:
    """Return the id of a request, a new one when it is first asked for."""
    state: dict[str, Any] = scope["state"]
    if "request_id" not in state:
        runtime = scope["litestar_app"].state["runtime"]
        state["request_id"] = new_id(runtime.clock.unix_us(), runtime.random)
    return str(state["request_id"])


def dialect_of(path: str, headers: Mapping[str, str]) -> Dialect:
    """Return which API's shape a caller under `/v1` expects."""
    anthropic = path.startswith("/v1/messages") or "anthropic-version" in headers
    return "anthropic" if anthropic else "openai"


def answer_error(request: AnyRequest, error: Exception) -> Response[bytes]:
    """Return the answer to an error that reached Litestar, in the shape of its path."""
    status, detail, hint = _describe(request, error)
    path = request.scope["path"]
    if _is_v1(path):
        refusal = server_error(status, detail)
        request.app.state["runtime"].observer.refused(refusal.code)
        dialect = dialect_of(path, request.headers)
        body = error_body(dialect, refusal, _request_id(request.scope))
        media_type = "application/json"
    else:
        title = HTTPStatus(status).phrase
        code = error.exit_code if isinstance(error, ModelopsError) else ExitCode.ERROR
        problem = Problem(title=title, status=status, detail=detail, hint=hint, exit_code=int(code))
        body = msgspec.json.encode(problem)
        media_type = "application/problem+json"
    headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
    if request.method not in ("GET", "HEAD"):
        headers["connection"] = "close"  # its body may never have been read
    return Response(body, status_code=status, media_type=media_type, headers=headers)


def _describe(request: AnyRequest, error: Exception) -> tuple[int, str, str]:
    """Return status, detail and hint; a bug is logged and gives nothing of itself away."""
    if isinstance(error, AccessError):
        return error.status, error.message, error.hint
    if isinstance(error, StoreError):
        return 503, error.message, error.hint
    if isinstance(error, StaleError):
        return 409, error.message, error.hint
    if isinstance(error, RefusedError):
        return 422, error.message, error.hint
    if isinstance(error, ModelopsError):
        return 400, error.message, error.hint
    if isinstance(error, HTTPException):
        if error.status_code == 404 and error.detail == "Not Found":
            runtime = request.app.state["runtime"]
            elsewhere = runtime.on_wrong_listener(request.scope["server"], admin=True)
            return 404, _nothing_at(request.scope["path"]), "" if elsewhere else "see /schema"
        if error.status_code < 500:
            return error.status_code, _detail(error), ""
    if isinstance(error, RecursionError):  # of the JSON decoder: msgspec counts the C stack
        return 400, "the body is nested too deeply", ""
    logger.error("%s %s failed", request.method, request.scope["path"], exc_info=error)
    return 500, "the server failed; its log says why", ""


def _detail(error: HTTPException) -> str:
    """Return what Litestar found wrong, field by field when it knows."""
    extra = error.extra
    if not isinstance(extra, list):
        return error.detail
    found = [
        f"{item.get('key', '')}: {item.get('message', '')}"
        for item in extra
        if isinstance(item, dict)
    ]
    return "; ".join(found) or error.detail
