"""`plan --base REF`: two declarations from git, without store or key."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from modelops.cli.main import run
from modelops.resources.errors import ExitCode

FIXTURE = Path(__file__).parents[1] / "fixtures" / "config" / "full"


def git(*arguments: str) -> str:
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
    command = ["git", *identity, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Commit a configuration in a sub-folder of a repository and make it the working directory."""
    place = tmp_path / "repository" / "llm"
    place.mkdir(parents=True)
    monkeypatch.chdir(place)
    git("init", "--quiet", "..")
    git("commit", "--quiet", "--allow-empty", "-m", "nothing yet")
    shutil.copytree(FIXTURE, place, dirs_exist_ok=True)
    git("add", "..")
    git("commit", "--quiet", "-m", "first")
    return place


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def planned(capsys: pytest.CaptureFixture[str], ref: str) -> dict[str, Any]:
    capsys.readouterr()
    assert run(["plan", "--base", ref, "--format", "json"]) == ExitCode.DONE
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document


def test_the_change_of_a_branch_is_shown(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert planned(capsys, "HEAD")["changes"] == []
    edit(folder / "chains.d/production.yaml", "max_retries: 3", "max_retries: 4")
    git("commit", "--quiet", "-a", "-m", "second")
    document = planned(capsys, "HEAD~1")
    assert document["base_ref"] == git("rev-parse", "HEAD~1")
    assert document["store_id"] == ""
    assert [change["address"] for change in document["changes"]] == ["chain/production"]
    assert not (folder / ".modelops").exists()
    assert run(["plan", "--base", "HEAD~1", "--detailed-exitcode"]) == ExitCode.CHANGES
    assert "against commit" in capsys.readouterr().out.splitlines()[-1]


def test_secrets_are_compared_without_a_key(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = folder / "providers.d/anthropic.yaml"
    edit(path, "data:zU2o9l3fdD2yOYFLz8BEcVu0KQRc+g==", "data:AAAA9l3fdD2yOYFLz8BEcVu0KQRc+g==")
    (change,) = planned(capsys, "HEAD")["changes"]
    assert change["address"] == "provider/anthropic"
    assert change["fields"] == [{"path": "api_key", "secret": "changed"}]
    edit(
        folder / "providers.d/openai.yaml",
        "provider: openai",
        "provider: openai\nbase_url: https://x.example",
    )
    assert run(["plan", "--base", "HEAD"]) == ExitCode.REFUSED
    assert "[secret-origin]" in capsys.readouterr().out


def test_a_commit_without_configuration_is_an_empty_base(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = planned(capsys, "HEAD~1")
    assert document["summary"]["create"] == 15


def test_such_a_plan_is_never_applied(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["plan", "--base", "HEAD~1", "--out", "plan.json"]) == ExitCode.DONE
    assert run(["apply", "plan.json"]) == ExitCode.ERROR
    assert "compares two commits" in capsys.readouterr().err


@pytest.mark.parametrize("ref", ["", "nowhere", "--output=/tmp/x", "HEAD:llm"])
def test_what_is_no_commit_is_an_error(
    folder: Path, ref: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["plan", f"--base={ref}"]) == ExitCode.ERROR
    assert "has no commit" in capsys.readouterr().err


def test_an_invalid_base_is_named_with_its_first_error(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(folder / "chains.d/production.yaml", "timeout: 30s", "timeout: soon")
    git("commit", "--quiet", "-a", "-m", "broken")
    edit(folder / "chains.d/production.yaml", "timeout: soon", "timeout: 30s")
    assert run(["plan", "--base", "HEAD"]) == ExitCode.ERROR
    assert "chains.d/production.yaml:6" in capsys.readouterr().err


def test_outside_git_and_without_git_is_said(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(folder.parent / ".git")
    assert run(["plan", "--base", "HEAD"]) == ExitCode.ERROR
    assert "has no commit 'HEAD': not a git repository" in capsys.readouterr().err
    monkeypatch.setenv("PATH", os.devnull)
    assert run(["plan", "--base", "HEAD"]) == ExitCode.ERROR
    assert "git cannot be run" in capsys.readouterr().err
    assert run(["plan"]) == ExitCode.DONE


def test_a_key_that_moves_with_its_provider_is_the_same(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(folder / "providers.d/anthropic.yaml", "provider: anthropic", "provider: claude")
    (folder / "providers.d/anthropic.yaml").rename(folder / "providers.d/claude.yaml")
    edit(folder / "chains.d/production.yaml", "model: anthropic/", "model: claude/")
    moved = "\nmoved:\n  - {from: provider/anthropic, to: provider/claude}"
    edit(folder / "modelops.yaml", "\nmoved:", moved)
    changes = {change["address"]: change for change in planned(capsys, "HEAD")["changes"]}
    assert changes["provider/claude"]["moved_from"] == "provider/anthropic"
    assert "fields" not in changes["provider/claude"]
