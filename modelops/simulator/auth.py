"""Keys, asked for in each protocol's own way.

Any key is good but one that begins with `bad`, which gets the protocol's answer to a wrong key.
"""

from __future__ import annotations

from modelops.simulator.wire import Protocol, Request, RequestError

BAD_KEY = "bad"
"""How a key begins that is to be rejected."""


def check(protocol: Protocol, request: Request, *, required: bool) -> None:
    """Raise RequestError for a bad key, and for none where the protocol wants it if `required`."""
    key = _key(protocol, request)
    if not key and required:
        raise _missing(protocol)
    if key.startswith(BAD_KEY):
        raise _rejected(protocol)


def _key(protocol: Protocol, request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    bearer = token.strip() if scheme.lower() == "bearer" else ""
    if protocol == "anthropic":
        return request.headers.get("x-api-key", "") or bearer
    if protocol == "gemini":
        return request.headers.get("x-goog-api-key", "") or request.query.get("key", "") or bearer
    return bearer or request.headers.get("api-key", "")


def _missing(protocol: Protocol) -> RequestError:
    if protocol == "anthropic":
        return RequestError("x-api-key header is required", status=401)
    if protocol == "gemini":
        return RequestError(
            "Method doesn't allow unregistered callers (callers without established identity). "
            "Please use API Key or other form of API consumer identity to call this API.",
            status=403,
        )
    return RequestError(
        "You didn't provide an API key. You need to provide your API key in an Authorization "
        "header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY).",
        status=401,
    )


def _rejected(protocol: Protocol) -> RequestError:
    if protocol == "anthropic":
        return RequestError("invalid x-api-key", status=401)
    if protocol == "gemini":
        return RequestError(
            "API key not valid. Please pass a valid API key.", code="API_KEY_INVALID"
        )
    return RequestError("Incorrect API key provided.", status=401, code="invalid_api_key")
