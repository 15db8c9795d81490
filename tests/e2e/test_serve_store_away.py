"""The store taken away from a running server, and brought back."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest
from server_process import (
    Server,
    apply,
    eventually,
    modelops,
    serving,
    write_configuration,
)


def move(source: Path, target: Path) -> None:
    """Move the files of the database, which are up to three."""
    for path in sorted(source.glob("store.db*"), reverse=True):
        if path.is_file():
            path.rename(target / path.name)


def state(server: Server) -> str:
    """Return what /readyz says; it answers 200 as long as requests are served."""
    status, answer = server.get("/readyz")
    assert status == 200
    found: str = answer["status"]
    return found


def requests_in_the_books(server: Server) -> int:
    found: int = server.get("/api/usage")[1]["totals"]["requests"]
    return found


def names_of_chains(server: Server) -> list[str]:
    return [chain["display_name"] for chain in server.get("/api/chains")[1]["items"]]


def test_serving_goes_on_while_the_store_is_gone(folder: Path, simulator_url: str) -> None:
    with serving(folder) as server:
        away = folder / "away"
        away.mkdir()
        move(folder / ".modelops", away)
        eventually(lambda: state(server), "degraded")
        assert server.ask()[0] == 200
        eventually(lambda: "is not there" in server.get("/api/status")[1]["store"], True)
        status = server.get("/api/status")[1]
        assert (status["revision"], status["live"]) == (1, 1)
        for path in ("/api/usage", "/api/usage/attempts", "/api/usage/export.csv"):
            assert server.get(path)[0] == 503, "nothing is known is not 0"
        assert server.get("/api/providers")[0] == 200
        move(away, folder / ".modelops")
        eventually(lambda: state(server), "ready")
        write_configuration(folder, simulator_url, note="back")
        apply(folder)
        eventually(lambda: server.get("/readyz")[1]["revision"], 2)
        eventually(lambda: requests_in_the_books(server), 1)
        assert server.stop() == 0


def test_another_store_in_its_place_is_followed(folder: Path, simulator_url: str) -> None:
    with serving(folder) as server:
        assert server.ask()[0] == 200
        eventually(lambda: requests_in_the_books(server), 1)
        away = folder / "away"
        away.mkdir()
        move(folder / ".modelops", away)
        eventually(lambda: state(server), "degraded")
        write_configuration(folder, simulator_url, note="anew")
        apply(folder)
        eventually(lambda: names_of_chains(server), ["Production anew"])
        assert server.ask()[0] == 200
        eventually(lambda: requests_in_the_books(server), 1)
        assert server.stop() == 0


def test_serving_goes_on_while_the_store_is_locked(folder: Path) -> None:
    with serving(folder) as server, closing(sqlite3.connect(folder / ".modelops/store.db")) as lock:
        lock.isolation_level = None
        lock.execute("BEGIN IMMEDIATE")
        for _ in range(3):
            assert server.ask()[0] == 200
        eventually(lambda: state(server), "degraded")
        assert requests_in_the_books(server) == 0
        lock.execute("ROLLBACK")
        eventually(lambda: requests_in_the_books(server), 3)
        eventually(lambda: state(server), "ready")
        assert server.stop() == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts a small disk")
def test_serving_goes_on_while_the_disk_is_full(tmp_path: Path, simulator_url: str) -> None:
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)], check=False
    )
    if mounted.returncode:
        pytest.skip("a small disk cannot be mounted here")
    try:
        write_configuration(folder, simulator_url)
        apply(folder)
        with serving(folder) as server:
            assert server.ask()[0] == 200
            eventually(lambda: requests_in_the_books(server), 1)
            fill(folder / "ballast")
            for _ in range(3):
                assert server.ask()[0] == 200
            eventually(lambda: state(server), "degraded")
            write_configuration(tmp_path / "same", simulator_url, note="too late")
            store = f"sqlite:///{folder}/.modelops/store.db"
            refused = modelops("apply", "-C", str(tmp_path / "same"), "--store", store, "--yes")
            assert refused.returncode == 1
            assert "full" in refused.stderr
            (folder / "ballast").unlink()
            eventually(lambda: state(server), "ready")
            eventually(lambda: requests_in_the_books(server), 4)
            applied = modelops("apply", "-C", str(tmp_path / "same"), "--store", store, "--yes")
            assert applied.returncode == 0, applied.stderr
            eventually(lambda: server.get("/readyz")[1]["revision"], 2)
            assert server.stop() == 0
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def fill(path: Path) -> None:
    """Write until the disk takes no byte more."""
    with path.open("wb", buffering=0) as file:
        size = 1 << 20
        while size:
            try:
                file.write(b"x" * size)
            except OSError:
                size //= 2
