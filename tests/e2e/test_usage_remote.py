"""`modelops usage` asked of a running server: for whoever has a key and not the database."""

from __future__ import annotations

import asyncio
import hashlib
import json
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from row_samples import attempt
from server_process import Server, apply, modelops, serving, write_configuration

from modelops.resources.times import DAY_US, now_us
from modelops.store import open_store

NOW_US = now_us()
VIEWER, AGENT = "mo_v1_viewer", "mo_a1_agent"
OPERATORS = "timezone: Asia/Tokyo\noperators:\n  - {{operator: eve, role: viewer, keys: [{}]}}\n"


def declared(key: str) -> str:
    return f"{{name: k1, sha256: '{hashlib.sha256(key.encode()).hexdigest()}'}}"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, simulator_url: str) -> Iterator[Server]:
    """Run a server that knows both keys, on books of three requests, two by dev-agent."""
    folder = tmp_path_factory.mktemp("usage")
    write_configuration(folder, simulator_url)
    with (folder / "modelops.yaml").open("a") as settings:
        settings.write(OPERATORS.format(declared(VIEWER)))
    with (folder / "agents.d" / "dev-agent.yaml").open("a") as agent:
        agent.write(f"keys: [{declared(AGENT)}]\n")
    apply(folder)

    async def book() -> None:
        store = open_store(database(folder))
        agents = ("dev-agent", "dev-agent", "other")
        await store.add_attempts([attempt(started_at_us=NOW_US - 1, agent=name) for name in agents])
        await store.close()

    asyncio.run(book())
    with serving(folder) as running:
        yield running


def database(folder: Path) -> str:
    return f"sqlite:///{folder}/.modelops/store.db"


def written(moment_us: int) -> str:
    return datetime.fromtimestamp(moment_us / 1_000_000, UTC).isoformat()


def ask(
    server: Server, *options: str, key: str = VIEWER, code: int = 0
) -> subprocess.CompletedProcess[str]:
    ended = modelops(
        "usage", "--store", server.url, *options, **({"MODELOPS_KEY": key} if key else {})
    )
    assert ended.returncode == code, ended.stderr
    assert "mo_" not in ended.stderr
    return ended


@pytest.mark.parametrize("output_format", ["text", "json", "csv", "markdown"])
def test_a_viewer_reads_what_the_database_says(server: Server, output_format: str) -> None:
    options = (
        *("--by", "agent,label.team", "--by", "revision", "--bucket", "day", "--limit", "1"),
        *("--from", written(NOW_US - DAY_US), "--to", written(NOW_US), "--format", output_format),
        *("--filter", "status:success", "--filter", "agent:dev-agent", "--filter", "agent:other"),
    )
    there = ask(server, *options)
    here = modelops("usage", "--store", database(server.errors.parent), *options)
    assert (there.stdout, there.stderr) == (here.stdout, "")
    assert "dev-agent" in there.stdout


def test_an_agent_sees_its_own_rows(server: Server) -> None:
    def requests(key: str) -> int:
        report = json.loads(ask(server, "--format", "json", key=key).stdout)
        assert report["timezone"] == "Asia/Tokyo"
        return int(report["totals"]["requests"])

    assert (requests(AGENT), requests(VIEWER)) == (2, 3)
    refused = ask(server, "--filter", "agent:other", key=AGENT, code=1)
    assert "an agent's key sees its own usage: filter by agent:dev-agent" in refused.stderr


def test_nobody_without_a_key_is_told(server: Server) -> None:
    for key in ("", "mo_x_wrong"):
        refused = ask(server, key=key, code=1)
        assert "MODELOPS_KEY" in refused.stderr
        assert refused.stdout == ""


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--by color", "usage cannot be grouped by 'color'\n  write one of provider, model"),
        ("--filter color:red", "usage cannot be filtered by 'color'"),
        ("--filter status:sucess", "'sucess' is not a status"),
        ("--filter status:\udcff", "is not a status"),
        ("--from x", "'x' is not a time"),
        ("--period 7d --from 2026-01-01", "a period or from and to, not both"),
        ("--limit 20001", "Expected `int` <= 20000"),
        ("--period year", "'year' is not one of 'today', 'week', 'month'"),
    ],
)
def test_what_cannot_be_reported_is_refused_and_says_why(
    server: Server, options: str, said: str
) -> None:
    refused = ask(server, *options.split(), code=1)
    assert said in refused.stderr
    assert refused.stdout == ""


def test_names_like_one_that_has_no_rows_are_said(server: Server) -> None:
    options = ("--filter", "agent:dev-agnt", "--by", "user", "--bucket", "hour", "--limit", "1")
    found = ask(server, *options)
    assert (
        "there is no row of agent 'dev-agnt' in this time; did you mean dev-agent?" in found.stderr
    )
