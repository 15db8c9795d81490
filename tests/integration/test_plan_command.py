"""`plan` and `apply` as a person or CI meets them."""

from __future__ import annotations

import io
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from folder_changes import change

from modelops.cli.main import run
from modelops.plan.document import decode, seal
from modelops.resources.errors import ExitCode


class Terminal(io.StringIO):
    """A terminal at which somebody has typed something."""

    def isatty(self) -> bool:
        return True


def test_the_first_journey(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["plan", "--detailed-exitcode"]) == ExitCode.CHANGES
    assert "0 to change, 0 to delete (of 0)" in capsys.readouterr().out.splitlines()[-1]
    assert not (folder / ".modelops").exists(), "a plan writes nothing"
    assert run(["apply", "--yes"]) == ExitCode.DONE
    printed = capsys.readouterr()
    assert printed.out.startswith("Applied: revision 1 of ")
    assert " to add" in printed.err
    assert run(["plan", "--detailed-exitcode"]) == ExitCode.DONE
    assert capsys.readouterr().out.startswith("No changes.")
    assert run(["apply", "--yes"]) == ExitCode.DONE
    assert capsys.readouterr().out == "Nothing to apply: revision 1 stands.\n"


@pytest.mark.parametrize("output_format", ["text", "json", "markdown", "github"])
def test_stdout_is_the_document_alone(
    folder: Path, output_format: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["plan", "--format", output_format, "--out", "plan.json"]) == ExitCode.DONE
    printed = capsys.readouterr()
    assert printed.err == ""
    saved = (folder / "plan.json").read_bytes()
    if output_format == "json":
        assert len(decode(printed.out.encode(), "stdout").changes) == len(
            json.loads(saved)["changes"]
        )


def test_a_saved_plan_is_applied_without_a_question(folder: Path, out: Callable[[], str]) -> None:
    assert run(["plan", "--out", "plan.json"]) == ExitCode.DONE
    out()
    assert run(["apply", "plan.json", "--format", "json", "--message", "first"]) == ExitCode.DONE
    result = json.loads(out())
    assert (result["applied"], result["revision"], result["base"]) == (True, 1, 0)
    assert result["plan_digest"]
    assert run(["history", "--format", "json"]) == ExitCode.DONE
    (revision,) = json.loads(out())["items"]
    assert revision["info"]["message"] == "first"


def test_a_saved_plan_is_stale_once_the_store_moved_on(folder: Path) -> None:
    assert run(["plan", "--out", "plan.json"]) == ExitCode.DONE
    assert run(["apply", "plan.json"]) == ExitCode.DONE
    assert run(["apply", "plan.json"]) == ExitCode.STALE
    change(folder)
    assert run(["plan", "--out", "second.json"]) == ExitCode.DONE
    assert run(["apply", "second.json"]) == ExitCode.DONE
    assert run(["apply", "second.json"]) == ExitCode.STALE


def test_a_saved_plan_is_stale_once_a_file_changed(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["plan", "--out", "plan.json"]) == ExitCode.DONE
    change(folder)
    assert run(["apply", "plan.json"]) == ExitCode.STALE
    assert "files are not those" in capsys.readouterr().err
    assert not (folder / ".modelops").exists()


def test_a_plan_of_another_store_is_refused(folder: Path) -> None:
    stores = [f"sqlite:///{folder}/{name}.db" for name in ("one", "two")]
    for url in stores:
        assert run(["apply", "--yes", "--store", url]) == ExitCode.DONE
    change(folder)
    assert run(["plan", "--store", stores[0], "--out", "plan.json"]) == ExitCode.DONE
    assert run(["apply", "plan.json", "--store", stores[1]]) == ExitCode.REFUSED


def _edited(document: dict[str, Any]) -> bytes:
    document["changes"] = []
    return json.dumps(document).encode()


def _newer(document: dict[str, Any]) -> bytes:
    return json.dumps(document | {"format_version": 2}).encode()


def _cut(document: dict[str, Any]) -> bytes:
    return json.dumps(document).encode()[:200]


@pytest.mark.parametrize("damage", [_edited, _newer, _cut, lambda document: b"hello"])
def test_a_damaged_plan_is_an_error_and_nothing_is_written(
    folder: Path, damage: Callable[[dict[str, Any]], bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    path = folder / "plan.json"
    assert run(["plan", "--out", str(path)]) == ExitCode.DONE
    path.write_bytes(damage(json.loads(path.read_bytes())))
    assert run(["apply", str(path)]) == ExitCode.ERROR
    assert capsys.readouterr().err.startswith(f"error: {path}: ")
    assert not (folder / ".modelops").exists()


def test_a_plan_with_a_forged_digest_is_not_what_would_happen(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = folder / "plan.json"
    assert run(["plan", "--out", str(path)]) == ExitCode.DONE
    plan = decode(path.read_bytes(), "plan.json")
    forged = seal(msgspec.structs.replace(plan, changes=plan.changes[:-1]))
    path.write_bytes(msgspec.json.encode(forged))
    assert run(["apply", str(path)]) == ExitCode.STALE
    assert "not what would happen" in capsys.readouterr().err


def test_a_plan_that_is_missing_is_an_error(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["apply", "nowhere.json"]) == ExitCode.ERROR
    assert "nowhere.json: cannot read the plan" in capsys.readouterr().err


def test_without_a_terminal_nobody_agreed(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    assert run(["apply"]) == ExitCode.ERROR
    assert "--yes" in capsys.readouterr().err
    assert not (folder / ".modelops").exists()


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("n\n", 1), ("\n", 1), ("", 1)])
def test_on_a_terminal_one_is_asked(
    folder: Path, monkeypatch: pytest.MonkeyPatch, answer: str, code: int
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal(answer))
    assert run(["apply"]) == code
    assert (folder / ".modelops" / "store.db").exists() == (code == 0)


def test_a_store_belongs_to_one_configuration_and_environment(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["apply", "--yes", "--env", "prod"]) == ExitCode.DONE
    assert run(["plan"]) == ExitCode.REFUSED
    assert run(["apply", "--yes", "--env", "staging"]) == ExitCode.REFUSED
    assert "belongs to" in capsys.readouterr().err
    settings = folder / "modelops.yaml"
    settings.write_text(settings.read_text().replace("config: ", "config: other-"))
    assert run(["apply", "--yes", "--env", "prod"]) == ExitCode.REFUSED


def test_a_refused_plan_says_so_before_apply_would(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(["apply", "--yes"])
    for path in folder.glob("chains.d/*"):
        path.unlink()
    settings = folder / "modelops.yaml"
    lines = settings.read_text().splitlines()
    settings.write_text("\n".join(x for x in lines if not x.startswith("default_chain")) + "\n")
    assert run(["plan", "--detailed-exitcode"]) == ExitCode.REFUSED
    capsys.readouterr()
    assert run(["apply", "--yes"]) == ExitCode.REFUSED
    assert "--confirm-delete chain/" in capsys.readouterr().err
    assert run(["show", "--format", "json"]) == ExitCode.DONE
    document = json.loads(capsys.readouterr().out)
    assert document["revision"] == 1
    chains = [item for item in document["resources"] if item["kind"] == "chain"]
    consent = [part for one in chains for part in ("--confirm-delete", f"chain/{one['chain']}")]
    assert run(["apply", "--yes", *consent]) == ExitCode.DONE


def test_a_rename_is_a_move_and_its_entry_may_stay(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(["apply", "--yes"])
    path = next((folder / "chains.d").glob("*.yaml"))
    name = path.stem
    path.rename(path.with_name("renamed.yaml"))
    for file in folder.rglob("*.yaml"):
        text = file.read_text().replace(f"chain: {name}", "chain: renamed")
        file.write_text(text.replace(f"chain/{name}", "chain/renamed"))
    settings = folder / "modelops.yaml"
    entry = f"moved:\n  - {{from: chain/{name}, to: chain/renamed}}\n"
    settings.write_text(settings.read_text() + entry)
    capsys.readouterr()
    assert run(["apply", "--yes", "--format", "json"]) == ExitCode.DONE
    summary = json.loads(capsys.readouterr().out)["summary"]
    assert (summary["move"], summary["delete"], summary["create"]) == (1, 0, 0)
    assert run(["show", "chain/renamed"]) == ExitCode.DONE
    assert run(["show", f"chain/{name}"]) == ExitCode.ERROR
    settings.write_text(settings.read_text() + "# applied everywhere?\n")
    assert run(["plan", "--detailed-exitcode"]) == ExitCode.DONE


def test_a_plan_knows_its_commit(folder: Path, out: Callable[[], str]) -> None:
    def git(*arguments: str) -> str:
        identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
        command = ["git", *identity, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def planned() -> dict[str, Any]:
        run(["plan", "--format", "json"])
        document = json.loads(out())
        return {name: document[f"git_{name}"] for name in ("commit", "branch", "dirty", "prefix")}

    assert planned() == {"commit": "", "branch": "", "dirty": False, "prefix": ""}
    git("init", "--quiet", "--initial-branch", "main", "..")
    assert planned()["commit"] == ""
    git("add", ".")
    git("commit", "--quiet", "-m", "first")
    commit = git("rev-parse", "HEAD")
    assert planned() == {"commit": commit, "branch": "main", "dirty": False, "prefix": "config/"}
    (folder / "notes.txt").write_text("not configuration")
    assert planned()["dirty"] is False
    change(folder)
    assert planned()["dirty"] is True
    git("checkout", "--quiet", "--detach")
    assert planned()["branch"] == ""
    assert run(["apply", "--yes"]) == ExitCode.DONE
    out()
    run(["history", "--format", "json"])
    assert json.loads(out())["items"][0]["info"]["git_commit"] == f"{commit}-dirty"
