"""`rollback` as a person meets it: what it brings back, what it holds, and what it refuses."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from folder_changes import change

from modelops.cli.main import run
from modelops.resources.errors import ExitCode


def test_a_rollback_brings_the_content_back_and_holds_what_it_left(
    folder: Path, out: Callable[[], str]
) -> None:
    run(["apply", "--yes"])
    out()
    run(["show", "--format", "json"])
    first = json.loads(out())
    change(folder)
    assert run(["apply", "--yes"]) == ExitCode.DONE
    assert run(["rollback", "1", "--yes"]) == ExitCode.DONE
    out()
    run(["show", "--format", "json"])
    third = json.loads(out())
    assert (third["resources"], third["digest"]) == (first["resources"], first["digest"])
    assert third["revision"] == 3
    assert run(["plan"]) == ExitCode.REFUSED
    assert "[rolled-back]" in out()
    assert run(["apply", "--yes"]) == ExitCode.REFUSED
    change(folder, "display_name: A third")
    assert run(["plan"]) == ExitCode.DONE
    change(folder)
    assert run(["apply", "--yes", "--reapply"]) == ExitCode.DONE
    out()
    assert run(["history", "--format", "json"]) == ExitCode.DONE
    kinds = [item["info"]["kind"] for item in json.loads(out())["items"]]
    assert kinds == ["apply", "rollback", "apply", "apply"]


def git(*arguments: str) -> str:
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
    command = ["git", *identity, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_a_rollback_has_the_commit_of_its_content_and_not_of_where_it_is_called(
    folder: Path, out: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git("init", "--quiet")
    commits = []
    for name in ("one", "two"):
        change(folder, f"display_name: {name}")
        git("add", ".")
        git("commit", "--quiet", "-m", name)
        run(["apply", "--yes"])
        commits.append(git("rev-parse", "HEAD"))
    change(folder, "display_name: not committed")
    assert run(["rollback", "1", "--yes"]) == ExitCode.DONE
    monkeypatch.chdir(tmp_path)
    store = ["--store", f"sqlite:///{folder}/.modelops/store.db"]
    assert run(["rollback", "2", "--yes", *store]) == ExitCode.DONE
    out()
    run(["history", "--format", "json", *store])
    found = [item["info"]["git_commit"] for item in json.loads(out())["items"]]
    assert found == [commits[1], commits[0], commits[1], commits[0]]


def test_two_rollbacks_in_a_row_hold_both(folder: Path) -> None:
    run(["apply", "--yes"])
    for name in ("second", "third"):
        change(folder, f"display_name: {name}")
        run(["apply", "--yes"])
    assert run(["rollback", "2", "--yes"]) == ExitCode.DONE
    assert run(["rollback", "1", "--yes"]) == ExitCode.DONE
    for name, code in (("second", 3), ("third", 3), ("fourth", 0)):
        change(folder, f"display_name: {name}")
        assert run(["plan"]) == code
    assert run(["rollback", "3", "--yes"]) == ExitCode.DONE
    change(folder, "display_name: third")
    assert run(["plan", "--detailed-exitcode"]) == ExitCode.DONE


def test_files_that_only_read_differently_are_held_back_too(
    folder: Path, out: Callable[[], str]
) -> None:
    run(["apply", "--yes"])
    change(folder)
    run(["apply", "--yes"])
    settings = folder / "modelops.yaml"
    settings.write_text(settings.read_text() + "# a comment\n")
    out()
    assert run(["apply", "--yes"]) == ExitCode.DONE
    assert out() == "Nothing to apply: revision 2 stands.\n"
    run(["plan", "--format", "json"])
    assert json.loads(out())["summary"]["total"] is None  # an equal digest was enough
    assert run(["rollback", "1", "--yes"]) == ExitCode.DONE
    assert run(["plan"]) == ExitCode.REFUSED
    assert "[rolled-back]" in out()
    settings.write_text(settings.read_text().replace("# a comment\n", ""))
    assert run(["plan"]) == ExitCode.REFUSED  # nor the files of before the comment
    assert run(["rollback", "2", "--yes"]) == ExitCode.DONE
    settings.write_text(settings.read_text() + "# another\n")
    assert run(["plan"]) == ExitCode.DONE


def test_a_rollback_is_held_by_the_rules_of_an_apply(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(["apply", "--yes"])
    for name in ("one", "two"):
        agent = folder / "agents.d" / f"{name}.yaml"
        agent.parent.mkdir(exist_ok=True)
        agent.write_text(f"agent: {name}\n")
    run(["apply", "--yes"])
    capsys.readouterr()
    assert run(["rollback", "1", "--yes"]) == ExitCode.REFUSED
    printed = capsys.readouterr()
    assert "all 2 agents would be deleted" in printed.err
    assert "[empties-kind]" in printed.err
    consent = ["--confirm-delete", "agent/one", "--confirm-delete", "agent/two"]
    assert f"if it is meant: {' '.join(consent)}" in printed.err
    assert "removed:" not in printed.err
    assert printed.out == ""
    assert run(["rollback", "1", "--yes", *consent[:2]]) == ExitCode.REFUSED
    assert run(["rollback", "1", "--yes", *consent]) == ExitCode.DONE
    assert capsys.readouterr().out == "Applied: revision 3 of two-targets.\n"


def test_a_rollback_to_a_revoked_key_takes_a_word_of_its_own(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    agent = folder / "agents.d" / "one.yaml"
    agent.parent.mkdir(exist_ok=True)
    for name, digit in (("k1", "1"), ("k2", "2")):
        agent.write_text(
            f'agent: one\nkeys:\n  - {{name: {name}, sha256: "{digit * 64}"}}\n', encoding="utf-8"
        )
        assert run(["apply", "--yes"]) == ExitCode.DONE
    capsys.readouterr()
    assert run(["rollback", "1", "--yes"]) == ExitCode.REFUSED
    printed = capsys.readouterr().err
    assert "k1 of agent/one would work again" in printed
    assert "--confirm-keys agent/one" in printed
    assert run(["rollback", "1", "--yes", "--confirm-keys", "agent/one"]) == ExitCode.DONE


def test_a_rollback_shows_its_plan_and_asks(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run(["apply", "--yes"])
    change(folder)
    run(["apply", "--yes"])
    capsys.readouterr()
    asked: list[str] = []

    def refuse(question: str) -> bool:
        asked.append(question)
        return False

    monkeypatch.setattr("modelops.cli.terminal.agreed", refuse)
    assert run(["rollback", "1"]) == ExitCode.ERROR
    printed = capsys.readouterr()
    assert asked == ["Roll back to revision 1?"]
    assert "chain/production" in printed.err
    assert printed.err.endswith("Nothing was applied.\n")
    assert printed.out == ""


@pytest.mark.parametrize("revision", ["1", "2", "99"])
def test_there_is_no_rollback_to_what_is_or_never_was(folder: Path, revision: str) -> None:
    run(["apply", "--yes"])
    assert run(["rollback", revision, "--yes"]) == ExitCode.ERROR
