"""The person before the program."""

from __future__ import annotations

import io
import os
import socket
import sys
from pathlib import Path

import pytest

from modelops.cli.terminal import agreed, caller, colored, program
from modelops.resources.errors import ModelopsError


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, True),
        ({"NO_COLOR": ""}, True),
        ({"NO_COLOR": "1"}, False),
        ({"TERM": "dumb"}, False),
        ({"TERM": "xterm"}, True),
    ],
)
def test_only_a_terminal_that_wants_color_gets_it(environ: dict[str, str], expected: bool) -> None:
    assert colored(Terminal(), environ) == expected
    assert not colored(io.StringIO(), environ)


def test_in_ci_the_person_behind_the_job_is_named() -> None:
    host = socket.gethostname()
    assert caller({"GITHUB_ACTOR": "ada"}) == f"ada@{host}"
    assert caller({"GITHUB_ACTOR": "", "GITLAB_USER_LOGIN": "bob"}) == f"bob@{host}"


def test_a_user_without_a_name_is_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    def nameless() -> str:
        raise KeyError("uid not found")

    monkeypatch.setattr("getpass.getuser", nameless)
    assert caller({}).partition("@")[0].isdigit()


def test_nobody_at_the_terminal_is_no_consent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    with pytest.raises(ModelopsError, match="no terminal"):
        agreed("Apply?")


def test_what_to_type_can_be_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "bin" / "modelops"
    other = tmp_path / "other" / "modelops"
    for file in (script, other):
        file.parent.mkdir()
        file.touch(mode=0o755)
    monkeypatch.setattr(sys, "executable", str(script.with_name("python")))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert program() == "bin/modelops"
    monkeypatch.setenv("PATH", os.pathsep.join([str(script.parent), str(other.parent)]))
    assert program() == "modelops"
    monkeypatch.setenv("PATH", os.pathsep.join([str(other.parent), str(script.parent)]))
    assert program() == "bin/modelops"
