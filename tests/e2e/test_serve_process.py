"""`modelops serve` from the outside: its start, its end, the store it follows, what it refuses."""

from __future__ import annotations

import contextlib
import http.client
import re
import signal
import socket
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from server_process import (
    PATIENCE_S,
    Server,
    apply,
    eventually,
    modelops,
    request,
    serving,
    write_configuration,
)

SLOW_STREAM = (
    b'{"model":"first/static-40x25ms","stream":true,"messages":[{"role":"user","content":"x"}]}'
)
EVERYWHERE = "0.0.0.0"  # noqa: S104  # the refusal of it is tested


@contextlib.contextmanager
def stream(server: Server, body: bytes) -> Iterator[http.client.HTTPResponse]:
    """Ask for a stream, and yield it once it has begun."""
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=PATIENCE_S)
    kind = {"content-type": "application/json"}
    connection.request("POST", "/v1/chat/completions", body, kind)
    answer = connection.getresponse()
    assert answer.status == 200
    yield answer
    connection.close()


def connects(server: Server) -> bool:
    address = urlsplit(server.url)
    try:
        socket.create_connection((address.hostname or "", address.port or 0), 1).close()
    except OSError:
        return False
    return True


def test_serves_follows_the_store_and_stops(folder: Path, simulator_url: str) -> None:
    with serving(folder) as server:
        assert server.ask()[0] == 200
        assert server.get("/readyz") == (200, {"status": "ready", "revision": 1, "problems": []})
        write_configuration(folder, simulator_url, note="two")
        apply(folder)
        eventually(lambda: server.get("/readyz")[1]["revision"], 2)
        assert server.get("/api/chains")[1]["items"][0]["display_name"] == "Production two"
        assert server.stop() == 0
    assert "Traceback" not in server.errors.read_text()


def test_interrupting_it_is_no_error(folder: Path) -> None:
    with serving(folder) as server:
        assert server.stop(signal.SIGINT) == 0
    assert "Traceback" not in server.errors.read_text()


def test_what_was_served_is_in_the_books_after_the_end(folder: Path) -> None:
    with serving(folder) as server:
        for _ in range(5):
            assert server.ask()[0] == 200
        server.stop()
    report = modelops("usage", "-C", str(folder), "--format", "json")
    assert '"requests":5' in report.stdout.replace(" ", "")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_what_runs_is_finished_and_new_connections_are_refused(
    folder: Path, number: signal.Signals
) -> None:
    """After a signal a stream goes on to its end while nobody new gets in."""
    with serving(folder) as server, stream(server, SLOW_STREAM) as answer:
        server.process.send_signal(number)
        eventually(lambda: connects(server), False)
        assert answer.read().endswith(b"data: [DONE]\n\n")
        assert server.process.wait(PATIENCE_S) == 0


def test_what_is_cut_off_is_told_so_and_blames_no_provider(folder: Path) -> None:
    with (folder / "providers.d/first.yaml").open("a") as provider:
        provider.write("  - model: static-4000x25ms\n")
    apply(folder)
    with serving(folder) as server, stream(server, SLOW_STREAM.replace(b"40x", b"4000x")) as answer:
        answer.readline()
        server.process.send_signal(signal.SIGINT)
        eventually(lambda: connects(server), False)
        server.process.send_signal(signal.SIGINT)
        said = answer.read()
        assert server.process.wait(PATIENCE_S) == 0
    assert b"broke off: the server is shutting down" in said.splitlines()[-2]
    with contextlib.closing(sqlite3.connect(folder / ".modelops/store.db")) as store:
        rows = store.execute("SELECT outcome, error_class FROM attempts").fetchall()
    assert rows == [("interrupted", "")]
    log = server.errors.read_text()
    assert log.count("a request failed at first/static-4000x25ms: interrupted") == 1
    assert "ERROR" not in log


def test_a_port_in_use_is_an_error_with_its_reason(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = modelops("serve", "-C", str(folder), "--port", port)
    assert ended.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}: Address already in use" in ended.stderr
    assert "--port" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_an_address_that_is_none_is_an_error(folder: Path) -> None:
    ended = modelops("serve", "-C", str(folder), "--host", "no.such.host.invalid")
    assert ended.returncode == 1
    assert "'no.such.host.invalid' is not an address to listen on" in ended.stderr


def test_without_keys_it_does_not_listen_beyond_this_machine(folder: Path) -> None:
    ended = modelops("serve", "-C", str(folder), "--host", EVERYWHERE, "--port", "0")
    assert ended.returncode == 3
    assert "no agent has a key" in ended.stderr
    assert "modelops key new" in ended.stderr


def test_another_environment_is_refused(folder: Path) -> None:
    ended = modelops("serve", "-C", str(folder), "--env", "staging", "--port", "0")
    assert ended.returncode == 1
    assert "environment" in ended.stderr


def test_without_a_store_it_serves_nothing_and_says_so(tmp_path: Path, simulator_url: str) -> None:
    with serving(tmp_path) as server:
        assert server.get("/readyz")[0] == 503
        status, answer = server.ask()
        assert status == 503
        assert "modelops apply" in answer["error"]["message"]
        write_configuration(tmp_path, simulator_url)
        apply(tmp_path)
        eventually(lambda: server.get("/readyz")[0], 200)
        assert server.ask()[0] == 200


def test_a_store_that_is_none_is_said_at_once(tmp_path: Path) -> None:
    store = tmp_path / "store.db"
    store.write_text("this is no database\n" * 100)
    ended = modelops("serve", "--store", f"sqlite:///{store}", "--port", "0")
    assert ended.returncode == 1
    assert "store.db is not a database" in ended.stderr
    assert store.read_text() == "this is no database\n" * 100


def test_the_admin_side_has_an_address_of_its_own(folder: Path) -> None:
    with serving(folder, "--admin-bind", "127.0.0.1:0", "--workers", "2") as server:
        said = server.errors.read_text()
        admin = re.search(r"/api and /metrics are on (\S+) alone", said)
        assert admin is not None, said
        body = {"model": "production", "messages": [{"role": "user", "content": "x"}]}
        assert request(admin[1], "GET", "/api/providers")[0] == 200
        assert request(admin[1], "GET", "/healthz")[0] == 200
        assert request(admin[1], "POST", "/v1/chat/completions", body)[0] == 404
        assert request(admin[1], "GET", "/v1/models")[0] == 404
        assert server.ask()[0] == 200
        assert server.get("/v1/models")[0] == 200
        for path in ("/api/providers", "/schema", "/metrics"):
            status, problem = server.get(path)
            assert (status, problem["hint"]) == (404, "")  # /schema is not there either


def test_the_admin_side_does_not_listen_beyond_this_machine_without_keys(folder: Path) -> None:
    ended = modelops("serve", "-C", str(folder), "--port", "0", "--admin-bind", f"{EVERYWHERE}:0")
    assert ended.returncode == 3
    assert "no operator has a key" in ended.stderr


@pytest.mark.parametrize("bind", ["8401", "localhost:", "localhost:http", "localhost:70000"])
def test_an_admin_address_that_is_none_is_an_error(folder: Path, bind: str) -> None:
    ended = modelops("serve", "-C", str(folder), "--port", "0", "--admin-bind", bind)
    assert ended.returncode == 1
    assert "is not HOST:PORT" in ended.stderr
