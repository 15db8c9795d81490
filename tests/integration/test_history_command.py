"""`show`, `status`, `history` and `diff` as a person meets them."""

from __future__ import annotations

import asyncio
import functools
import json
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
