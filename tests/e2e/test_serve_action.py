"""The GitHub action against a running gateway: a deployer's key is all that CI holds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from server_process import modelops, serving, simulator, write_configuration
from test_serve_remote import DEPLOYER, VIEWER, add_operators

MAIN = Path(__file__).parents[2] / ".github/actions/modelops/main.py"


def act(command: str, folder: Path, place: Path, url: str, key: str) -> tuple[int, str, str]:
    """Run the action's script; return exit code, what it printed, and its outputs."""
    output = place / "output"
    output.write_text("")
    (place / "event").write_text(json.dumps({"ref": "refs/heads/main"}))
    settings = {
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
