"""A store that is away for so long that the journal is full: sums arrive all the same, exactly.

Also where no two rows are alike, because each has a user of its own.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import sqlite3
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from server_process import Server, eventually, modelops, request, serving, simulator

REQUESTS = 3_000
CLIENTS = 4


@contextlib.contextmanager
def small_disk(folder: Path, size: str) -> Iterator[None]:
    """Mount a disk of so many bytes; skip where none can be."""
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], check=False
    )
    if done.returncode:
        pytest.skip("a small disk cannot be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def write_configuration(folder: Path, simulator_url: str) -> None:
    (folder / "providers.d").mkdir()
    (folder / "modelops.yaml").write_text("config: acme\nmetering: required\n")
    (folder / "providers.d/first.yaml").write_text(
        f"provider: first\nprotocol: openai\nbase_url: {simulator_url}/first\nauth: none\n"
        "models: [{model: sim-chat, price: {input: 3, output: 15}}]\n"
    )


def ask_many(server: Server, client: int, users: int) -> None:
    """Ask on a connection that is kept, with questions of several lengths, for some users."""
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc)
    for number in range(REQUESTS // CLIENTS):
        message = {"role": "user", "content": "Hello " * (number % 7 + 1)}
        body = json.dumps({"model": "first/sim-chat", "messages": [message]})
        headers = {"content-type": "application/json"}
        if users:
            headers["x-modelops-user"] = f"user-{(client * REQUESTS + number) % users}"
        connection.request("POST", "/v1/chat/completions", body, headers)
        answer = connection.getresponse()
        assert (answer.status, bool(answer.read())) == (200, True)
    connection.close()


def totals(server: Server) -> dict[str, Any]:
    found: dict[str, Any] = server.get("/api/usage")[1]["totals"]
    return found


@pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts a small disk")
@pytest.mark.parametrize("users", [0, CLIENTS * REQUESTS])
def test_a_full_journal_keeps_every_sum(tmp_path: Path, users: int) -> None:
    folder = tmp_path / "small"
    with small_disk(folder, "3m"), simulator() as simulator_url:
        write_configuration(folder, simulator_url)
        applied = modelops("apply", "-C", str(folder), "--yes")
        assert applied.returncode == 0, applied.stderr
        database = folder / ".modelops" / "store.db"
        with serving(folder) as server, contextlib.closing(sqlite3.connect(database)) as lock:
            lock.isolation_level = None
            lock.execute("BEGIN IMMEDIATE")
            with ThreadPoolExecutor(CLIENTS) as clients:
                list(clients.map(ask_many, [server] * CLIENTS, range(CLIENTS), [users] * CLIENTS))
            lock.execute("ROLLBACK")
            eventually(lambda: totals(server)["requests"], REQUESTS)
            eventually(lambda: server.get("/api/status")[1]["collapsed"] > REQUESTS / 4, True)
            eventually(lambda: server.get("/api/status")[1]["waiting"], 0)
            books, status = totals(server), server.get("/api/status")[1]
            served = request(simulator_url, "GET", "/_simulator/ledger")[1]["totals"][0]
            rows, weight = lock.execute("SELECT COUNT(*), SUM(weight) FROM attempts").fetchone()
            marked = lock.execute(
                "SELECT COALESCE(SUM(weight), 0) FROM attempts"
                " WHERE \"user\" = '' AND message LIKE 'collapsed: users%'"
            ).fetchone()[0]
            named = lock.execute(
                'SELECT COUNT(DISTINCT "user"), COUNT(*) FROM attempts WHERE "user" <> \'\''
            ).fetchone()
            assert server.stop() == 0
    if users:
        assert named == (REQUESTS - marked, REQUESTS - marked)
        assert marked > REQUESTS / 4
    else:
        assert (marked, named) == (0, (0, 0))
    assert status["lost"] == 0
    assert (weight, rows + status["collapsed"]) == (REQUESTS, REQUESTS)
    assert (books["input_tokens"], books["output_tokens"]) == (served["input"], served["output"])
    pico = served["input"] * 3_000_000 + served["output"] * 15_000_000
    assert books["cost_usd"] == f"{pico / 10**12:.12f}".rstrip("0")
    assert books["attempts"] == served["requests"] == REQUESTS
    assert books["latency_ms"]["p95"] > 0
