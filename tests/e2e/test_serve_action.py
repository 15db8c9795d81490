"""The GitHub action against a running gateway: a deployer's key is all that CI holds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from github_stand_in import TOKEN, GitHub, github
from server_process import modelops, serving, simulator, write_configuration
from test_serve_remote import DEPLOYER, VIEWER, add_operators

MAIN = Path(__file__).parents[2] / ".github/actions/modelops/main.py"


def act(
    command: str, folder: Path, place: Path, url: str, key: str, server: GitHub | None = None
) -> tuple[int, str, str]:
    """Run the action's script; return exit code, what it printed, and its outputs.

    With GitHub's stand-in it is the job of a pull request, else that of a branch.
    """
    output = place / "output"
    output.write_text("")
    event = {"pull_request": {"number": 7}} if server else {"ref": "refs/heads/main"}
    (place / "event").write_text(json.dumps(event))
    settings = {
        "GITHUB_API_URL": server.url if server else "",
        "GITHUB_REPOSITORY": "acme/llm",
        "GITHUB_TOKEN": TOKEN,
        "RUNNER_TEMP": str(place),
        "GITHUB_OUTPUT": str(output),
        "GITHUB_STEP_SUMMARY": str(place / "summary"),
        "GITHUB_EVENT_PATH": str(place / "event"),
        "INPUT_COMMAND": command,
        "INPUT_FOLDER": str(folder),
        "INPUT_ENVIRONMENT": "",
        "INPUT_STORE": url,
        "INPUT_WAIT": "true",
        "MODELOPS_KEY": key,
    }
    done = subprocess.run(
        [sys.executable, str(MAIN)],
        cwd=place,
        env=os.environ | settings,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    return done.returncode, done.stdout, output.read_text()


def test_applies_through_a_gateway_and_waits_until_it_is_live(tmp_path: Path) -> None:
    folder, home, place = tmp_path / "configuration", tmp_path / "server", tmp_path / "runner"
    home.mkdir()
    place.mkdir()
    with simulator() as upstream, serving(home) as server:
        write_configuration(folder, upstream)
        add_operators(folder)
        code, printed, outputs = act("apply", folder, place, server.url, DEPLOYER)
        assert code == 0, printed
        assert "live on 1 of 1 workers" in printed
        assert "changes=true" in outputs
        assert server.ask()[0] == 200
        write_configuration(folder, upstream, note="two")
        add_operators(folder)
        code, printed, outputs = act("plan", folder, place, server.url, DEPLOYER)
        assert (code, "exit-code=2\nchanges=true" in outputs) == (0, True), printed
        assert "::notice " in printed
        code, printed, outputs = act("apply", folder, place, server.url, VIEWER)
        assert code == 1
        assert "MODELOPS_KEY" in printed
        assert VIEWER not in printed
        code, printed, outputs = act("apply", folder, place, server.url, DEPLOYER)
        assert (code, "changes=true" in outputs) == (0, True), printed
        shown = modelops("history", "--store", server.url, MODELOPS_KEY=DEPLOYER)
        assert shown.stdout.count("ci (") == 1, "the first came before any operator was known"


def test_a_pull_request_is_planned_against_a_gateway_in_one_comment(tmp_path: Path) -> None:
    folder, home, place = tmp_path / "configuration", tmp_path / "server", tmp_path / "runner"
    home.mkdir()
    place.mkdir()
    with simulator() as upstream, serving(home) as server, github() as hub:
        write_configuration(folder, upstream)
        add_operators(folder)
        assert act("apply", folder, place, server.url, DEPLOYER)[0] == 0
        for note in ("two", "three"):
            write_configuration(folder, upstream, note=note)
            add_operators(folder)
            code, printed, outputs = act("plan", folder, place, server.url, DEPLOYER, hub)
            assert (code, "exit-code=2" in outputs) == (0, True), printed
            assert "::notice " in printed
            assert "title=chain/production" in printed
        assert hub.writes == ["POST", "PATCH"]
        (comment,) = hub.comments
        assert "revision 1" in comment["body"]
        assert "Production three" in comment["body"]
        assert "Production two" not in comment["body"]
        chain = folder / "chains.d/production.yaml"
        chain.write_text(chain.read_text() + "tagets: []\n")
        code, printed, outputs = act("plan", folder, place, server.url, DEPLOYER, hub)
        assert (code, outputs) == (1, "exit-code=1\n")
        assert "::error file=" in printed
        assert "tagets" in printed
        assert len(hub.writes) == 2
