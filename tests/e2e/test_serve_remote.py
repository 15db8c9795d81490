"""Applying through a running server: what a CI job does with a URL and a deployer's key."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from server_process import (
    Server,
    eventually,
    modelops,
    request,
    serving,
    write_configuration,
)

DEPLOYER, VIEWER = "mo_d1_deployer", "mo_v1_viewer"


@pytest.fixture
def folder(tmp_path: Path, simulator_url: str) -> Path:
    """Return a configuration beside nothing: the store is the server's."""
    folder = tmp_path / "configuration"
    write_configuration(folder, simulator_url)
    return folder


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """Run a server whose store does not exist yet."""
    home = tmp_path / "server"
    home.mkdir()
    with serving(home) as running:
        yield running


def run(command: str, folder: Path, server: Server, *options: str, **environ: str) -> Any:
    return modelops(command, "-C", str(folder), "--store", server.url, *options, **environ)


def add_operators(folder: Path) -> None:
    lines = ["operators:"]
    for name, role, key in (("ci", "deployer", DEPLOYER), ("eve", "viewer", VIEWER)):
        digest = hashlib.sha256(key.encode()).hexdigest()
        lines.append(
            f"  - {{operator: {name}, role: {role}, keys: [{{name: k1, sha256: {digest}}}]}}"
        )
    settings = folder / "modelops.yaml"
    settings.write_text(settings.read_text() + "\n".join(lines) + "\n")


def test_the_whole_way_from_plan_to_rollback(
    folder: Path, server: Server, simulator_url: str
) -> None:
    first = run("apply", folder, server, "--yes", "--wait")
    assert first.returncode == 0, first.stderr
    assert "live on 1 of 1 workers" in first.stderr
    assert server.ask()[0] == 200
    assert run("plan", folder, server, "--detailed-exitcode").returncode == 0
    write_configuration(folder, simulator_url, note="two")
    assert run("plan", folder, server, "--detailed-exitcode").returncode == 2
    assert run("apply", folder, server, "--yes", "--wait").returncode == 0
    assert server.get("/api/chains")[1]["items"][0]["display_name"] == "Production two"
    history = run("history", folder, server, "--format", "json")
    assert history.returncode == 0, history.stderr
    status = modelops("status", "--store", server.url, "--format", "json")
    assert msgspec.json.decode(status.stdout)["live"] == 1
    back = modelops("rollback", "1", "--store", server.url, "--yes", "--wait")
    assert back.returncode == 0, back.stderr
    eventually(
        lambda: server.get("/api/chains")[1]["items"][0]["display_name"].strip(), "Production"
    )


def test_a_plan_that_the_store_has_left_behind_is_stale(
    folder: Path, server: Server, simulator_url: str, tmp_path: Path
) -> None:
    assert run("apply", folder, server, "--yes").returncode == 0
    write_configuration(folder, simulator_url, note="two")
    plan = str(tmp_path / "plan.json")
    assert run("plan", folder, server, "--out", plan).returncode == 0
    assert run("apply", folder, server, plan).returncode == 0
    again = run("apply", folder, server, plan)
    assert again.returncode == 4, again.stderr


def test_the_server_applies_its_own_safety_rules(folder: Path, server: Server) -> None:
    """A client that does not ask for consent is refused all the same."""
    assert run("apply", folder, server, "--yes").returncode == 0
    state = server.get("/api/state")[1]
    models = [item for item in state["resources"] if item["kind"] == "model"]
    addresses = [f"model/{item['provider']}/{item['model']}" for item in models]
    sent = {"base": state["head"], "changes": {"delete": addresses}, "info": info()}
    status, answer = request(server.url, "POST", "/api/apply", sent)
    assert status in (400, 422)
    sent["changes"] = {"delete": ["agent/dev-agent"]}
    status, answer = request(server.url, "POST", "/api/apply", sent)
    assert (status, answer["exit_code"]) == (422, 3)
    assert server.get("/api/state?content=false")[1]["head"] == state["head"]


def test_a_state_that_cannot_be_served_is_refused(folder: Path, server: Server) -> None:
    assert run("apply", folder, server, "--yes").returncode == 0
    state = server.get("/api/state")[1]
    (chain,) = [item for item in state["resources"] if item["kind"] == "chain"]
    chain["targets"][0]["model"] = "nobody/nothing"
    sent = {"base": state["head"], "changes": {"put": [chain]}, "info": info()}
    status, answer = request(server.url, "POST", "/api/apply", sent)
    assert status == 400
    assert "nobody/nothing" in answer["detail"]


def test_a_server_of_one_environment_takes_no_other(folder: Path, tmp_path: Path) -> None:
    with serving(tmp_path, "--env", "prod") as server:
        for command in (("plan",), ("apply", "--yes")):
            refused = run(command[0], folder, server, *command[1:])
            assert refused.returncode == 3, refused.stderr
            assert "belongs to acme in environment prod" in refused.stderr
        sent = {"base": server.get("/api/state")[1]["head"], "changes": {}, "info": info()}
        status, answer = request(server.url, "POST", "/api/apply", sent)
        assert (status, answer["exit_code"]) == (422, 3)
        done = run("apply", folder, server, "--yes", "--env", "prod", "--wait")
        assert done.returncode == 0, done.stderr


def test_a_base_that_is_not_the_head_is_stale(folder: Path, server: Server) -> None:
    assert run("apply", folder, server, "--yes").returncode == 0
    head = server.get("/api/state?content=false")[1]["head"]
    sent = {"base": head | {"revision": 7}, "changes": {}, "info": info()}
    status, answer = request(server.url, "POST", "/api/apply", sent)
    assert (status, answer["exit_code"]) == (409, 4)


def test_with_keys_only_a_deployer_applies_and_is_named(
    folder: Path, server: Server, simulator_url: str
) -> None:
    add_operators(folder)
    first = run("apply", folder, server, "--yes", "--wait", MODELOPS_KEY=DEPLOYER)
    assert first.returncode == 0, first.stderr
    write_configuration(folder, simulator_url, note="two")
    add_operators(folder)
    for environ in ({}, {"MODELOPS_KEY": VIEWER}, {"MODELOPS_KEY": "mo_x_wrong"}):
        refused = run("apply", folder, server, "--yes", **environ)
        assert refused.returncode == 1
        assert "MODELOPS_KEY" in refused.stderr
        assert "mo_" not in refused.stderr
    done = run("apply", folder, server, "--yes", MODELOPS_KEY=DEPLOYER)
    assert done.returncode == 0, done.stderr
    history = run("history", folder, server, MODELOPS_KEY=DEPLOYER)
    assert "ci (" in history.stdout
    write_configuration(folder, simulator_url)
    locking_out = run("plan", folder, server, MODELOPS_KEY=DEPLOYER)
    assert locking_out.returncode == 3
    consent = ("--confirm-keys", "operator/ci")
    assert f"modelops apply {' '.join(consent)}" in locking_out.stdout
    assert run("apply", folder, server, "--yes", *consent, MODELOPS_KEY=DEPLOYER).returncode == 0


def test_a_server_that_does_not_answer_is_an_error(folder: Path) -> None:
    ended = modelops("plan", "-C", str(folder), "--store", "http://127.0.0.1:9")
    assert ended.returncode == 1
    assert "does not answer" in ended.stderr


def test_a_key_is_not_sent_over_plain_http_to_another_machine(folder: Path) -> None:
    ended = modelops("plan", "-C", str(folder), "--store", "http://gateway.example")
    assert ended.returncode == 1
    assert "use https://" in ended.stderr


def info() -> dict[str, Any]:
    return {
        "kind": "apply",
        "config": "acme",
        "environment": "",
        "config_digest": "x",
        "created_at_us": 1,
        "created_by": "mallory",
        "git_commit": "",
        "message": "",
        "tool_version": "0.1.0",
        "catalog": "",
        "counts": {},
    }


def test_a_viewer_sees_how_it_stands_without_the_store(folder: Path, server: Server) -> None:
    add_operators(folder)
    first = run("apply", folder, server, "--yes", "--wait")
    assert first.returncode == 6, "it is applied, and nobody without a key may ask any more"
    assert "revision 1 is applied; whether it is live could not be asked" in first.stderr
    assert "MODELOPS_KEY" in first.stderr
    assert request(server.url, "GET", "/api/status")[0] == 401

    def live() -> bool:
        seen = modelops("status", "--store", server.url, MODELOPS_KEY=VIEWER)
        return "live on 1 of 1 workers" in seen.stdout

    eventually(live, True)
    routed = modelops("route", "--store", server.url, MODELOPS_KEY=VIEWER)
    assert routed.stdout.startswith("chain production"), routed.stderr
    refused = run("plan", folder, server, MODELOPS_KEY=VIEWER)
    assert refused.returncode == 1
    assert "this needs the role deployer" in refused.stderr
