"""What git knows of a folder, and what it does not."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from modelops.operations.git import GitFacts, facts


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
    subprocess.run(
        ["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True
    )


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git(tmp_path, "init", "--initial-branch", "main")
    return tmp_path


def test_a_folder_outside_git_has_no_facts(tmp_path: Path) -> None:
    assert facts(tmp_path) == facts(tmp_path / "missing") == GitFacts()


def test_without_git_there_are_none(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", os.devnull)
    assert facts(repository) == GitFacts()


def test_before_the_first_commit_there_is_only_a_branch(repository: Path) -> None:
    (repository / "modelops.yaml").write_text("config: x\n")
    assert facts(repository) == GitFacts(branch="main", dirty=True)


def test_only_configuration_makes_it_dirty(repository: Path) -> None:
    git(repository, "commit", "--allow-empty", "-m", "first")
    (repository / "notes.txt").write_text("x")
    assert not facts(repository).dirty
    (repository / "agents.d").mkdir()
    (repository / "agents.d" / "a b.yaml").write_text("agent: a\n")
    assert facts(repository).dirty


def test_a_worktree_that_lies_deeper_knows_its_prefix(repository: Path) -> None:
    folder = repository / "deploy" / "llm"
    folder.mkdir(parents=True)
    git(repository, "commit", "--allow-empty", "-m", "first")
    git(repository, "checkout", "--detach")
    known = facts(folder)
    assert (known.branch, known.prefix, len(known.commit)) == ("", "deploy/llm/", 40)
