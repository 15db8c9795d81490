"""`show`, `status`, `history`, `diff` and `rollback` as a person meets them."""

from __future__ import annotations

import asyncio
import functools
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from folder_changes import change
from row_samples import instance

from modelops.cli.main import run
from modelops.operations.status import status
from modelops.resources.errors import ExitCode
from modelops.resources.times import now_us
from modelops.store import open_store


def test_show_finds_what_was_nearly_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(["apply", "--yes"])
    capsys.readouterr()
    assert run(["show"]) == ExitCode.DONE
    listed = capsys.readouterr().out
    address = next(line.split()[0] for line in listed.splitlines() if line.startswith("chain/"))
    assert run(["show", address]) == ExitCode.DONE
    shown = capsys.readouterr().out
    assert shown.splitlines()[0] == address
    assert "  (default: " in next(line for line in shown.splitlines() if "max_retries" in line)
    assert run(["show", address[:-1]]) == ExitCode.ERROR
    assert f"did you mean {address}" in capsys.readouterr().err
    assert run(["show", "--revision", "7"]) == ExitCode.ERROR


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


def test_diff_compares_revisions(folder: Path, out: Callable[[], str]) -> None:
    run(["apply", "--yes"])
    change(folder)
    run(["apply", "--yes"])
    out()
    assert run(["diff", "1"]) == ExitCode.DONE
    text = out()
    assert "-> Another" in text
    assert text.splitlines()[-1] == "Revision 1 -> 2: 1 resource changed."
    assert run(["diff", "2", "1", "--format", "json"]) == ExitCode.DONE
    assert json.loads(out())["changes"][0]["fields"][0]["old"] == "Another"
    assert run(["diff", "2", "2"]) == ExitCode.DONE
    assert out() == "Revision 2 -> 2: no resource changed.\n"


def test_a_rename_is_a_move_wherever_it_is_told_and_undone_by_one(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Deleted instead, the provider was protected, and the key of the agent would return."""
    provider, chain = folder / "providers.d/second.yaml", folder / "chains.d/production.yaml"
    provider.write_text(provider.read_text() + "protected: true\n")
    agent, settings = folder / "agents.d/one.yaml", folder / "modelops.yaml"
    agent.parent.mkdir()
    text = f'agent: one\nkeys: [{{name: k1, sha256: "{"1" * 64}"}}]\n'
    agent.write_text(text)
    assert run(["apply", "--yes"]) == ExitCode.DONE
    agent.rename(agent.with_name("uno.yaml")).write_text(text.replace("one", "uno"))
    text = provider.read_text().replace("provider: second", "provider: third")
    provider.rename(provider.with_name("third.yaml")).write_text(text)
    chain.write_text(chain.read_text().replace("second/large", "third/large"))
    with settings.open("a") as file:
        file.write("moved:\n  - {from: provider/second, to: provider/third}\n")
        file.write("  - {from: agent/one, to: agent/uno}\n")
    capsys.readouterr()

    def moves(*command: str) -> list[list[str]]:
        assert run([*command]) == ExitCode.DONE
        printed = capsys.readouterr().out
        assert "api_key" not in printed  # it is the same
        lines = [line.split() for line in printed.splitlines()]
        return [[line[1], line[line.index("from") + 1]] for line in lines if line[:1] == [">"]]

    there = [
        ["provider/third", "provider/second"],
        ["model/third/large", "model/second/large"],
        ["agent/uno", "agent/one"],
    ]
    back = [list(reversed(move)) for move in there]
    newest = ["history", "--changes", "--limit", "1"]
    assert moves("plan") == there
    assert run(["apply", "--yes"]) == ExitCode.DONE
    capsys.readouterr()
    assert moves(*newest) == moves("diff", "1", "2") == there
    assert moves("diff", "2", "1") == back
    assert run(["rollback", "1", "--yes"]) == ExitCode.DONE
    assert moves(*newest) == moves("diff", "2", "3") == back
    assert moves("diff", "1", "3") == []
    run([*newest, "--format", "json"])
    (item,) = json.loads(capsys.readouterr().out)["items"]
    assert item["info"]["counts"] == {"create": 0, "update": 1, "delete": 0, "move": 3}
    assert {one["action"]: one["moved_from"] for one in item["changes"]} == {
        "move": "agent/uno",
        "update": "",
    }
    assert run(["rollback", "2", "--yes"]) == ExitCode.DONE


@pytest.mark.parametrize(
    ("revisions", "store_error", "code"),
    [
        ((), "", ExitCode.NOT_LIVE),
        ((1, 0), "", ExitCode.NOT_LIVE),
        ((1, 1), "", ExitCode.DONE),
        ((1, 1), "the disk is full", ExitCode.NOT_LIVE),
    ],
)
def test_the_exit_code_of_status_tells_whether_all_workers_follow(
    folder: Path,
    revisions: tuple[int, ...],
    store_error: str,
    code: ExitCode,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    as_said = functools.partial(status, store_error=store_error)
    monkeypatch.setattr("modelops.cli.status.status", as_said)
    run(["apply", "--yes"])

    async def work() -> None:
        store = open_store(f"sqlite:///{folder}/.modelops/store.db")
        for number, revision in enumerate(revisions):
            row = instance(str(number), revision=revision, seen_at_us=now_us())
            await store.put_instance(row)
        await store.close()

    asyncio.run(work())
    assert run(["status", "--detailed-exitcode"]) == code
    assert run(["status"]) == ExitCode.DONE


def test_history_pages(folder: Path, out: Callable[[], str]) -> None:
    for name in ("one", "two", "three"):
        change(folder, f"display_name: {name}")
        run(["apply", "--yes", "--message", f"{name}\x1b[2J"])
    out()
    assert run(["history", "--limit", "2", "--format", "json"]) == ExitCode.DONE
    page = json.loads(out())
    assert [item["revision"] for item in page["items"]] == [3, 2]
    assert page["next_cursor"] == 2
    assert run(["history", "--before", "2", "--format", "json"]) == ExitCode.DONE
    assert json.loads(out())["next_cursor"] is None
    assert run(["history"]) == ExitCode.DONE
    text = out()
    assert len(text.splitlines()) == 3
    assert "\x1b" not in text


def test_history_has_a_line_on_each_change(folder: Path, out: Callable[[], str]) -> None:
    run(["apply", "--yes"])
    change(folder)
    run(["apply", "--yes"])
    out()
    assert run(["history", "--changes", "--limit", "1"]) == ExitCode.DONE
    head, line = out().splitlines()
    assert head.split()[:1] == ["2"]
    assert line.split()[0] == "~"
    assert line.endswith("display_name")
    assert run(["history", "--changes", "--format", "json"]) == ExitCode.DONE
    newest, oldest = json.loads(out())["items"]
    assert [item["fields"] for item in newest["changes"]] == [["display_name"]]
    assert {item["action"] for item in oldest["changes"]} == {"create"}
