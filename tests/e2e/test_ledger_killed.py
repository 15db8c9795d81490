"""The books under kill -9: workers die at random moments under load, and every number still holds.

Each request names a user of its own, which both the row and the simulator's ledger keep, so the
three accounts (what clients finished, what the books say, what the provider served) can be joined.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import random
import signal
import sqlite3
import threading
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from server_process import PATIENCE_S, Server, eventually, serving, started, write_configuration

from modelops.cli.main import run
from modelops.ledger import Ledger, journal_folder
from modelops.store import open_store

PLAIN, STREAMED = "production", "first/static-40x25ms"
CLIENTS = 4


@dataclass
class Clients:
    """Threads that ask until they are stopped, and the usage of every answer they finished."""

    server: Server
    stopped: threading.Event = field(default_factory=threading.Event)
    finished: dict[str, tuple[int, int]] = field(default_factory=dict)

    def run(self, *, stream: bool) -> None:
        while not self.stopped.is_set():
            user = uuid.uuid4().hex
            try:
                usage = self._ask(user, stream=stream)
            except (OSError, http.client.HTTPException, ValueError):
                usage = None  # the worker died, or the one that takes over is not there yet
            if usage:
                self.finished[user] = usage

    def _ask(self, user: str, *, stream: bool) -> tuple[int, int] | None:
        body: dict[str, Any] = {
            "model": STREAMED if stream else PLAIN,
            "user": user,
            "messages": [{"role": "user", "content": f"Hello from {user}"}],
        }
        if stream:
            body |= {"stream": True, "stream_options": {"include_usage": True}}
        connection = http.client.HTTPConnection(
            urlsplit(self.server.url).netloc, timeout=PATIENCE_S
        )
        try:
            connection.request(
                "POST",
                "/v1/chat/completions",
                json.dumps(body),
                {"content-type": "application/json"},
            )
            answer = connection.getresponse()
            if answer.status != 200:
                return None
            return _stream_usage(answer) if stream else _usage(json.loads(answer.read()))
        finally:
            connection.close()


def _usage(document: dict[str, Any]) -> tuple[int, int]:
    return document["usage"]["prompt_tokens"], document["usage"]["completion_tokens"]


def _stream_usage(answer: http.client.HTTPResponse) -> tuple[int, int] | None:
    """Return the usage of a stream that was read to its end marker, and no further."""
    found = None
    for line in answer:
        data = line.removeprefix(b"data: ").strip()
        if data == b"[DONE]":
            return found
        if data:
            document = json.loads(data)
            found = _usage(document) if document.get("usage") else found
    return None


@pytest.mark.parametrize(
    "kills", [5, pytest.param(100, marks=pytest.mark.crash)], ids=["5-kills", "100-kills"]
)
def test_killed_workers_leave_books_that_add_up(tmp_path: Path, kills: int) -> None:
    served = tmp_path / "served.jsonl"
    arguments = ["simulator", "--port", "0", "--ledger", str(served)]
    with started(arguments, tmp_path / "simulator.txt") as (_, ready):
        write_configuration(tmp_path, ready["url"])
        assert run(["apply", "-C", str(tmp_path), "--yes"]) == 0
        with serving(tmp_path, "--workers", "2") as server:
            finished = _kill_under_load(server, kills)
            assert server.stop() == 0
    rows = _rows(tmp_path / ".modelops" / "store.db")
    _compare(finished, rows, served)


def _kill_under_load(server: Server, kills: int) -> dict[str, tuple[int, int]]:
    """Kill one of two workers at random moments; return what clients finished meanwhile."""
    chance = random.Random(os.urandom(8))  # noqa: S311
    clients = Clients(server)
    threads = [
        threading.Thread(target=clients.run, kwargs={"stream": number % 2 == 0})
        for number in range(CLIENTS)
    ]
    for thread in threads:
        thread.start()
    try:
        for _ in range(kills):
            eventually(lambda: len(server.children()), 2)
            before = len(clients.finished)
            eventually(lambda: len(clients.finished) > before, True)  # noqa: B023
            time.sleep(chance.uniform(0, 0.3))
            os.kill(chance.choice(server.children()), signal.SIGKILL)
    finally:
        clients.stopped.set()
        for thread in threads:
            thread.join()
    return clients.finished


def _rows(store: Path) -> list[dict[str, Any]]:
    """Return the books, after the journals that nobody was left to adopt are in them."""
    asyncio.run(_adopt(f"sqlite:///{store}"))
    connection = sqlite3.connect(store)
    connection.row_factory = sqlite3.Row
    found = [dict(row) for row in connection.execute("SELECT * FROM attempts")]
    connection.close()
    assert list(journal_folder(f"sqlite:///{store}", store.parent).iterdir()) == []
    return found


async def _adopt(url: str) -> None:
    store = open_store(url)
    ledger = Ledger(store, journal_folder(url, Path()))
    await ledger.adopt()
    assert ledger.error == ""
    await ledger.close()
    await store.close()


def _compare(
    finished: dict[str, tuple[int, int]], rows: list[dict[str, Any]], served: Path
) -> None:
    """Client answers <= report <= provider's ledger; what is between is interrupted."""
    entries = [json.loads(line) for line in served.read_text().splitlines()]
    at_provider = {entry["user"] for entry in entries}
    successes = [row for row in rows if row["outcome"] == "success"]
    by_user = {row["user"]: row for row in successes}
    assert finished
    assert len({row["attempt_id"] for row in rows}) == len(rows)
    assert len(by_user) == len(successes), "a row is doubled"
    assert finished.keys() <= by_user.keys(), "an answer a client finished is not in the books"
    for user, usage in finished.items():
        row = by_user[user]
        assert (row["input_tokens"], row["output_tokens"]) == usage
        assert row["final"]
    assert by_user.keys() <= at_provider, "the books hold a row that no provider served"
    between = [row for row in rows if row["outcome"] != "success"]
    assert {row["outcome"] for row in between} <= {"interrupted", "cancelled", "failed"}
    assert all(row["cost_pico"] is None for row in between if row["outcome"] == "interrupted")
    assert at_provider <= {row["user"] for row in rows}, "the provider served a call unknown here"
