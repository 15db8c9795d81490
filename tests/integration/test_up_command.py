"""Which store `modelops up` applies to without asking, and what it refuses before it serves."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelops.cli.main import run
from modelops.resources.errors import ExitCode

REMOTE = "postgresql://ada:hunter2@db/books"


@pytest.fixture
def busy_port() -> Iterator[str]:
    """Return a port that is taken, so that nothing is served."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        yield str(taken.getsockname()[1])


def test_up_uses_the_store_it_is_given(
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    busy_port: str,
) -> None:
    url = f"sqlite:///{folder}/prod.db"
    assert run(["apply", "--yes", "--env", "prod", "--store", url]) == ExitCode.DONE
    assert run(["up", "--env", "dev", "--store", url, "--port", busy_port]) == ExitCode.REFUSED
    assert "use its own store with --store" in capsys.readouterr().err
    monkeypatch.setenv("MODELOPS_STORE", url)
    assert run(["up", "--env", "dev", "--port", busy_port]) == ExitCode.REFUSED
    assert run(["up", "--env", "dev", "--simulate", "--port", busy_port]) == ExitCode.ERROR
    assert "PORT=8500" in capsys.readouterr().err, "the simulated store is another"


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["--store", REMOTE], "instead of postgresql://"),
        (["--store", "https://gateway.example"], "instead of https://"),
        (["--store", "sqlite:///prod.db", "--simulate"], "is a file simulated.db"),
        (["--store", "sqlite:///dev/simulated.db"], "is a file simulated.db"),
    ],
)
def test_up_applies_only_to_a_store_of_its_own(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], part: str
) -> None:
    assert run(["up", *arguments]) == ExitCode.ERROR
    said = capsys.readouterr().err
    assert part in said
    assert "hunter2" not in said
    assert not (folder / ".modelops").exists()
