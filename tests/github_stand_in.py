"""The part of GitHub's REST API that the action uses, on a real socket: comments of one issue."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from threaded_server import running

TOKEN = "ghs_canary_token"  # of this stand-in
BOT = {"login": "github-actions[bot]", "type": "Bot"}


class GitHub(ThreadingHTTPServer):
    """Comments as GitHub keeps them; `read_only` answers writes as it does to forks."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.comments: list[dict[str, Any]] = []
        self.writes: list[str] = []
        self.read_only = False

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def say(self, body: str | None, user: dict[str, str] | None = None) -> dict[str, Any]:
        """Add a comment, by the bot unless somebody else is named."""
        comment = {"id": len(self.comments) + 1, "body": body, "user": user}
        self.comments.append(comment)
        return comment


def github() -> AbstractContextManager[GitHub]:
    """Run it for as long as the block."""
    return running(GitHub())


class _Handler(BaseHTTPRequestHandler):
    server: GitHub

    def do_GET(self) -> None:
        place = urlsplit(self.path)
        query = parse_qs(place.query)
        size, page = int(query["per_page"][0]), int(query["page"][0])
        if place.path != "/repos/acme/llm/issues/7/comments":
            self._answer(404, {})
            return
        self._answer(200, self.server.comments[size * (page - 1) : size * page])

    def do_POST(self) -> None:
        body = self._body()
        if self.path == "/repos/acme/llm/issues/7/comments" and self._may_write():
            self._answer(201, self.server.say(body, BOT))

    def do_PATCH(self) -> None:
        body = self._body()
        number = int(self.path.removeprefix("/repos/acme/llm/issues/comments/"))
        if self._may_write():
            self.server.comments[number - 1]["body"] = body
            self._answer(200, self.server.comments[number - 1])

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing."""

    def _may_write(self) -> bool:
        if self.server.read_only or self.headers["authorization"] != f"Bearer {TOKEN}":
            self._answer(403, {"message": "Resource not accessible by integration"})
            return False
        self.server.writes.append(self.command)
        return True

    def _body(self) -> str:
        content = json.loads(self.rfile.read(int(self.headers["content-length"])))
        assert set(content) == {"body"}
        return str(content["body"])

    def _answer(self, status: int, content: object) -> None:
        encoded = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(encoded)))
        self.end_headers()
        self.wfile.write(encoded)
