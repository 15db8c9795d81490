"""Answers written straight to a transport, where no request has come to be yet."""

from __future__ import annotations

from http import HTTPStatus

import msgspec


def json_error(status: int, message: str) -> bytes:
    """Return a whole HTTP/1.1 answer that closes the connection.

    The body has the shape of OpenAI's errors, whose fields Anthropic's clients also find: before
    there is a path or a header, nobody knows who is asking.
    """
    body = msgspec.json.encode(
        {
            "type": "error",
            "error": {
                "message": message,
                "type": "invalid_request_error",
                "param": None,
                "code": None,
            },
        }
    )
    head = (
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n"
        "content-type: application/json\r\n"
        f"content-length: {len(body)}\r\n"
        "connection: close\r\n\r\n"
    )
    return head.encode("ascii") + body
