"""`modelops up`: from a folder to a server in one, and nothing left when it ends."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest
from server_process import Server, eventually, modelops, started, write_configuration

NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a configuration whose providers do not answer: the simulator must stand in."""
    write_configuration(tmp_path, NOWHERE)
    return tmp_path


@pytest.mark.parametrize("workers", ["1", "2"])
def test_up_with_the_simulator(folder: Path, workers: str) -> None:
    errors = folder / "stderr.txt"
    arguments = ["up", "--simulate", "-C", str(folder), "--port", "0", "--workers", workers]
    with started(arguments, errors) as (process, ready):
        server = Server(process, ready["url"], errors)
        status, answer = server.ask()
        assert status == 200
        assert answer["choices"]
        children = server.children()
        assert len(children) == (1 if workers == "1" else 3)
        eventually(lambda: server.get("/api/usage")[1]["totals"]["simulated"], 1)
        if workers == "1":
            apply_through(server, folder)
        assert server.stop(signal.SIGINT) == 0
        eventually(lambda: [pid for pid in children if running(pid)], [])
    said = errors.read_text()
    assert "Traceback" not in said
    assert "curl " in said
    assert "modelops usage" in said
    assert (folder / ".modelops/simulated.db").exists()
    assert not (folder / ".modelops/store.db").exists()


def apply_through(server: Server, folder: Path) -> None:
    """Change a chain through the server: nobody is asked for the keys it does without."""
    write_configuration(folder, NOWHERE, note="two")
    arguments = ["-C", str(folder), "--store", server.url, "--format", "json"]
    made = json.loads(modelops("plan", *arguments).stdout)
    assert [change["address"] for change in made["changes"]] == ["chain/production"]
    assert modelops("apply", *arguments, "--yes").returncode == 0


def test_killing_it_leaves_no_simulator(folder: Path) -> None:
    errors = folder / "stderr.txt"
    arguments = ["up", "--simulate", "-C", str(folder), "--port", "0"]
    with started(arguments, errors) as (process, ready):
        children = Server(process, ready["url"], errors).children()
        process.kill()
        process.wait()
        eventually(lambda: [pid for pid in children if running(pid)], [])


def test_a_folder_with_an_error_serves_nothing(folder: Path) -> None:
    (folder / "chains.d/production.yaml").write_text("chain: production\ntargets: []\n")
    ended: Any = modelops("up", "--simulate", "-C", str(folder), "--port", "0")
    assert ended.returncode == 1
    assert "production.yaml" in ended.stdout + ended.stderr
    assert not (folder / ".modelops").exists()


def running(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1][0] != "Z"
    except FileNotFoundError:
        return False
