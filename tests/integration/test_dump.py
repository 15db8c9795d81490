"""Declare, apply, dump: planning what was dumped shows no change."""

from __future__ import annotations

import asyncio
import io
import shlex
import shutil
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from plan_declarations import Folder, folders, write

from modelops.cli.main import run
from modelops.operations import dump as dumping
from modelops.operations.apply import apply
from modelops.operations.plan import Request, prepare
from modelops.resources.errors import ExitCode
from modelops.store import open_store

NOW = datetime(2026, 11, 21, tzinfo=UTC)
FIXTURES = Path(__file__).parents[1] / "fixtures" / "config"


def request(folder: Path) -> Request:
    return Request(folder=folder, environment="", created_by="ada@laptop", now=NOW)


@settings(max_examples=30)
@given(files=folders())
def test_what_was_dumped_plans_to_no_change(
    files: Folder, new_sqlite_store: Callable[[], str]
) -> None:
    async def journey(place: Path) -> None:
        store = open_store(new_sqlite_store())
        try:
            ready = await prepare(store, request(write(place / "declared", files)))
            await apply(store, ready)
            dumped = await dumping.dump(store)
            dumping.write(dumped, place / "dumped")
            again = await prepare(store, request(place / "dumped"))
        finally:
            await store.close()
        assert again.plan.changes == ()
        assert again.configuration.state == ready.configuration.state
        assert dumped.sealed == ()

    with tempfile.TemporaryDirectory() as place:
        asyncio.run(journey(Path(place)))


@pytest.fixture
def applied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Apply a configuration and make its folder the working directory."""
    place = tmp_path / "config"
    shutil.copytree(FIXTURES / "full", place)
    monkeypatch.chdir(place)
    monkeypatch.setenv("SOPS_AGE_KEY_FILE", str(FIXTURES.parent / "identity.txt"))
    assert run(["apply", "--yes"]) == ExitCode.DONE
    return place


def test_sealed_keys_are_named_and_not_written(
    applied: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert run(["dump", str(tmp_path / "out")]) == ExitCode.DONE
    printed = capsys.readouterr()
    assert str(tmp_path / "out" / "modelops.yaml") in printed.out.splitlines()
    assert "secret set provider/anthropic" in printed.err
    assert "secret set agent/research-agent --provider openai" in printed.err
    texts = [path.read_text() for path in (tmp_path / "out").rglob("*.yaml")]
    assert not any("ENC[" in text or "sealed" in text for text in texts)


def test_a_dump_takes_no_sealed_key_away_and_its_advice_works(
    applied: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out, url = str(tmp_path / "put out"), f"sqlite:///{applied}/.modelops/store.db"
    capsys.readouterr()
    assert run(["dump", out]) == ExitCode.DONE
    advice = [line.partition(": modelops ")[2] for line in capsys.readouterr().err.splitlines()]
    assert len(advice) == 2
    assert run(["apply", "--yes", "-C", out, "--store", url]) == ExitCode.ERROR
    monkeypatch.chdir("/")
    for command in advice:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"sk-not-a-key-either")))
        assert run(shlex.split(command)) == ExitCode.DONE
    capsys.readouterr()
    assert run(["plan", "-C", out, "--store", url]) == ExitCode.DONE
    printed = capsys.readouterr().out
    assert "2 to change, 0 to delete" in printed
    assert printed.count("(secret re-encrypted)") == 2


def test_nothing_is_written_over(applied: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (applied / "modelops.yaml").read_bytes()
    assert run(["dump", str(applied)]) == ExitCode.ERROR
    assert "is not empty" in capsys.readouterr().err
    assert (applied / "modelops.yaml").read_bytes() == before


def test_an_old_revision_can_be_dumped(applied: Path, tmp_path: Path) -> None:
    path = applied / "agents.d" / "dev-agent.yaml"
    path.write_text(path.read_text() + "display_name: Dev\n")
    assert run(["apply", "--yes"]) == ExitCode.DONE
    assert run(["dump", str(tmp_path / "out"), "--revision", "1"]) == ExitCode.DONE
    assert "Dev\n" not in (tmp_path / "out" / "agents.d" / "dev-agent.yaml").read_text()


def test_an_empty_store_has_nothing_to_dump(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["dump", "out"]) == ExitCode.ERROR
    assert not (tmp_path / "out").exists()
