"""Several workers: applied to under load, killed, left behind, and told to stop."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from e2e_programs import run as program
from server_process import (
    PATIENCE_S,
    Server,
    apply,
    eventually,
    modelops,
    serving,
    write_configuration,
)

APPLIES = 20
PAUSE_S = 0.01
"""Between two requests of a client: the applies are what is to be fast."""


@dataclass
class Load:
    """Clients that ask until they are stopped, and what went wrong for them."""

    server: Server
    stopped: threading.Event = field(default_factory=threading.Event)
    answered: int = 0
    wrong: list[str] = field(default_factory=list)

    def ask(self, model: str, *, stream: bool) -> None:
        """Ask on one kept connection, over and over."""
        connection = http.client.HTTPConnection(
            urlsplit(self.server.url).netloc, timeout=PATIENCE_S
        )
        body = json.dumps(
            {"model": model, "stream": stream, "messages": [{"role": "user", "content": "x"}]}
        )
        while not self.stopped.wait(PAUSE_S):
            try:
                connection.request(
                    "POST", "/v1/chat/completions", body, {"content-type": "application/json"}
                )
                answer = connection.getresponse()
                content = answer.read()
            except (OSError, http.client.HTTPException) as error:
                self.wrong.append(repr(error))
                connection.close()
                continue
            whole = content.endswith(b"data: [DONE]\n\n") if stream else content.startswith(b"{")
            if answer.status != 200 or not whole:
                self.wrong.append(f"{answer.status} {content[:200]!r}")
            self.answered += 1
        connection.close()


def test_applying_under_load_fails_and_cuts_nothing(
    folder: Path, simulator_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(folder, "--workers", "2") as server:
        load = Load(server)
        clients = [
            threading.Thread(target=load.ask, args=(model,), kwargs={"stream": stream})
            for model, stream in (
                ("production", False),
                ("production", True),
                ("first/static-40x25ms", True),
                ("second/static-40x25ms", True),
            )
        ]
        for client in clients:
            client.start()
        try:
            for number in range(APPLIES):
                write_configuration(folder, simulator_url, note=f"number {number}")
                apply(folder, "--wait")
                assert "live on 2 of 2 workers" in capsys.readouterr().err
        finally:
            load.stopped.set()
            for client in clients:
                client.join()
        assert load.wrong == []
        assert load.answered > APPLIES
        assert server.get("/api/status")[1]["revision"] == APPLIES + 1
        assert server.stop() == 0
    assert "Traceback" not in server.errors.read_text()


def test_a_new_revision_is_live_within_a_second(folder: Path, simulator_url: str) -> None:
    """The bound is the issue's; measured from the end of `apply`."""
    with serving(folder, "--workers", "2") as server:
        write_configuration(folder, simulator_url, note="two")
        apply(folder)
        applied_at = time.monotonic()
        eventually(lambda: server.get("/api/status")[1]["live"], 2)
        assert time.monotonic() - applied_at < 1.0


def test_a_killed_worker_is_replaced(folder: Path) -> None:
    with serving(folder, "--workers", "2") as server:
        before = server.children()
        os.kill(before[0], signal.SIGKILL)
        eventually(lambda: len(set(server.children()) - set(before)), 1)
        eventually(lambda: server.ask()[0], 200)
        assert server.stop() == 0
    assert "ended with signal SIGKILL" in server.errors.read_text()


def test_a_worker_replaced_without_the_store_waits_while_another_serves(folder: Path) -> None:
    with serving(folder, "--workers", "2") as server:
        first, second = server.children()
        store, away = folder / ".modelops/store.db", folder / "away.db"
        store.rename(away)
        eventually(lambda: server.get("/readyz")[1]["status"], "degraded")
        os.kill(first, signal.SIGKILL)
        missing = f"the store {store} does not exist"
        eventually(lambda: server.errors.read_text().count(missing), 1)
        assert [server.ask()[0] for _ in range(20)] == [200] * 20
        os.kill(second, signal.SIGKILL)
        eventually(lambda: server.errors.read_text().count(missing), 2)
        status, refused = server.ask()
        assert (status, missing in refused["error"]["message"]) == (503, True)
        away.rename(store)
        eventually(lambda: [server.ask()[0] for _ in range(20)], [200] * 20)
        assert server.stop() == 0


PATIENT_FOR_2_S = """
import asyncio, signal, sys, time
from modelops.server.logs import set_up_logging
from modelops.server.serving import serve
from modelops.server.settings import ServerSettings

def hang(number, frame):
    asyncio.get_running_loop().call_soon_threadsafe(time.sleep, 60)

signal.signal(signal.SIGUSR1, hang)
set_up_logging("json")
serve(
    ServerSettings(
        store_url=f"sqlite:///{sys.argv[1]}/.modelops/store.db",
        state_directory=f"{sys.argv[1]}/.modelops",
        port=0, workers=int(sys.argv[2]), silence_s=2.0, log_format="json",
    ),
    lambda url: print('{"url": "%s"}' % url, flush=True),
)
"""


@contextlib.contextmanager
def patient_for_2_s(folder: Path, workers: int) -> Iterator[Server]:
    """Serve as `serve --workers N`, but for its patience of 30 seconds; SIGUSR1 blocks the loop."""
    errors = folder / "stderr.txt"
    with (
        errors.open("w") as stderr,
        subprocess.Popen(
            [sys.executable, "-c", PATIENT_FOR_2_S, str(folder), str(workers)],
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            env=os.environ | {"MODELOPS_SECRET_TEST": "sk-test"},
        ) as process,
    ):
        assert process.stdout is not None
        server = Server(process, json.loads(process.stdout.readline())["url"], errors)
        try:
            yield server
        finally:
            if process.poll() is None:
                assert server.stop() == 0


def messages(server: Server) -> list[str]:
    """Return what the server has logged."""
    return [json.loads(line)["message"] for line in server.errors.read_text().splitlines()]


def test_a_worker_that_hangs_is_replaced(folder: Path) -> None:
    with patient_for_2_s(folder, 2) as server:
        hung, well = server.children()
        os.kill(hung, signal.SIGSTOP)
        eventually(lambda: hung in server.children(), False)
        eventually(lambda: len(server.children()), 2)
        assert well in server.children()
        eventually(lambda: server.ask()[0], 200)
    assert f"worker {hung} hangs: nothing from it in 4 s" in messages(server)


def test_a_single_worker_that_hangs_ends_and_says_where(folder: Path) -> None:
    """Whatever runs it starts it again; one that hangs would be left alone for ever."""
    with patient_for_2_s(folder, 1) as server:
        assert server.ask()[0] == 200
        server.process.send_signal(signal.SIGUSR1)
        assert server.process.wait(PATIENCE_S) == 1
    (last,) = [said for said in messages(server) if "this process ends" in said]
    assert "nothing was answered for 2 s" in last
    assert "in run_worker\n    uvloop.run" in last


def test_a_killed_supervisor_takes_its_workers_with_it(folder: Path) -> None:
    with serving(folder, "--workers", "2") as server:
        workers = server.children()
        port = urlsplit(server.url).port
        server.process.kill()
        server.process.wait(PATIENCE_S)
        eventually(lambda: [pid for pid in workers if Path(f"/proc/{pid}/stat").exists()], [])
        with serving(folder, "--workers", "2", "--port", str(port)) as again:
            assert again.ask()[0] == 200


def test_after_sigterm_nobody_new_gets_in_and_what_runs_is_finished(folder: Path) -> None:
    with serving(folder, "--workers", "2") as server:
        address = urlsplit(server.url)
        streams = [stream(address.netloc) for _ in range(4)]
        server.process.terminate()
        eventually(lambda: connects(address.hostname or "", address.port or 0), False)
        for connection, answer in streams:
            assert answer.read().endswith(b"data: [DONE]\n\n")
            connection.close()
        assert server.process.wait(PATIENCE_S) == 0
    assert "Traceback" not in server.errors.read_text()


def test_interrupting_the_terminal_is_no_error(folder: Path) -> None:
    with serving(folder, "--workers", "2") as server:
        workers = server.children()
        assert server.stop(signal.SIGINT) == 0
        assert [pid for pid in workers if Path(f"/proc/{pid}/stat").exists()] == []


def test_a_worker_that_cannot_start_ends_them_all(folder: Path, tmp_path: Path) -> None:
    """Exit 1 with the reason, not an endless restart."""
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "uvloop.py").write_text("raise ImportError('no event loop here')")
    arguments = ("serve", "-C", folder, "--port", "0", "--workers", "2")
    ended = program(*arguments, env={"PYTHONPATH": str(broken)})
    assert ended.returncode == 1
    assert "no event loop here" in ended.stderr


def test_waiting_without_workers_is_exit_6(folder: Path, simulator_url: str) -> None:
    write_configuration(folder, simulator_url, note="two")
    applied = modelops("apply", "-C", str(folder), "--yes", "--wait")
    assert applied.returncode == 6
    assert "no worker is running" in applied.stderr


def stream(netloc: str) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
    connection = http.client.HTTPConnection(netloc, timeout=PATIENCE_S)
    body = {"model": "first/static-40x25ms", "stream": True, "messages": []}
    body["messages"] = [{"role": "user", "content": "x"}]
    connection.request(
        "POST", "/v1/chat/completions", json.dumps(body), {"content-type": "application/json"}
    )
    answer = connection.getresponse()
    assert answer.status == 200
    return connection, answer


def connects(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), 1).close()
    except OSError:
        return False
    return True
