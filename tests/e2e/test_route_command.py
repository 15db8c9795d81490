"""`modelops route`: asked of a store, and of a running server, which knows what is broken."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from server_process import apply, modelops, request, serving, write_configuration

from modelops.cli.main import run


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, simulator_url: str) -> Path:
    """Return a configuration that has been applied."""
    folder = tmp_path_factory.mktemp("route")
    write_configuration(folder, simulator_url)
    apply(folder)
    return folder


def test_the_store_alone_tells_the_order(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["route", "production", "--prefer", "second", "-C", str(folder)]) == 0
    printed = capsys.readouterr()
    assert printed.out.splitlines() == [
        "chain production: at most 2 attempts in 300 s",
        "  1. second/sim-chat  ready      0 retries, first content within 30 s",
        "  2. first/sim-chat   ready      0 retries, first content within 30 s",
    ]
    assert "--store" in printed.err


def test_no_name_is_the_default_chain(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["route", "-C", str(folder), "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["chain"] == "production"


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["producton"], "did you mean production"),
        (["production", "--agent", "nobody"], "agent 'nobody' is not declared"),
        (["first/sim-chat", "--agent", "dev-agent"], "may not call model"),
        (["production", "--prefer", "third"], "there is no provider 'third'"),
    ],
)
def test_what_a_request_would_be_refused_for_is_an_error(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], part: str
) -> None:
    assert run(["route", *arguments, "-C", str(folder)]) == 1
    printed = capsys.readouterr()
    assert part in printed.err
    assert printed.out == ""


def test_before_the_first_apply_there_is_nothing_to_explain(
    new_sqlite_store: Callable[[], str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["route", "--store", new_sqlite_store()]) == 1
    assert "nothing has been applied" in capsys.readouterr().err


def test_a_running_server_knows_what_is_broken(folder: Path, simulator_url: str) -> None:
    fault = {"provider": "first", "status": 401}
    with serving(folder) as server:
        request(simulator_url, "POST", "/_simulator/faults", fault)
        assert server.ask()[0] == 200
        request(simulator_url, "DELETE", "/_simulator/faults")
        explained = modelops("route", "production", "--store", server.url)
        unknown = modelops("route", "producton", "--store", server.url)
        own = ("--agent", "dev-agent", "--store", server.url)
        forbidden = modelops("route", "first/sim-chat", *own)
    assert explained.returncode == 0, explained.stderr
    first, second = explained.stdout.splitlines()[1:]
    assert first.startswith("  1. first/sim-chat   cooling")
    assert second.startswith("  2. second/sim-chat  ready")
    assert unknown.returncode == 1
    assert "did you mean production" in unknown.stderr
    assert forbidden.returncode == 1
    assert "may not call" in forbidden.stderr
    assert "MODELOPS_KEY" not in forbidden.stderr, "another key would not help"
