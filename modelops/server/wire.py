"""Error answers written straight to a transport, before there is a request."""

from __future__ import annotations

from http import HTTPStatus

from modelops.gateway.call import Dialect
from modelops.gateway.errors import error_body
from modelops.server.problems import server_error


def closing_error(status: int, message: str, dialect: Dialect) -> bytes:
    """Return a whole HTTP/1.1 answer that closes the connection.

    It has OpenAI's shape where there is no path yet that says who is asking.
    """
    body = error_body(dialect, server_error(status, message), "")
    head = (
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n"
        "content-type: application/json\r\n"
        f"content-length: {len(body)}\r\n"
        "connection: close\r\n\r\n"
    )
    return head.encode("ascii") + body
