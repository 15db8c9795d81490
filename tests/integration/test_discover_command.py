"""`modelops test`, `discover` and `catalog` as commands, against the simulator."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from modelops.cli.catalog import command as catalog_command
from modelops.cli.discover import command as discover_command
from modelops.cli.test import command as connections_command
from modelops.config import load_configuration
from modelops.resources import state as states
from modelops.simulator.http import listening
from modelops.simulator.simulator import Simulator

PROVIDER = """\
# kept
provider: acme
protocol: openai
base_url: {url}/acme/v1
auth: bearer
api_key: {{env: MODELOPS_SECRET_ACME}}
models:
  - model: house-model   # ours
    price: {{input: 1, output: 2}}
"""


@pytest.fixture
async def folder(tmp_path: Path) -> AsyncIterator[Path]:
    simulator = Simulator()
    simulator.world.offer("acme", ["house-model", "vendor/new-model:free", "text-embed-1"])
    async with listening(simulator) as url:
        (tmp_path / "providers.d").mkdir()
        (tmp_path / "modelops.yaml").write_text("config: test\n")
        (tmp_path / "providers.d" / "acme.yaml").write_text(PROVIDER.format(url=url))
        yield tmp_path


async def _run(command: object, *arguments: str, key: str = "sk-canary-4711") -> Result:
    """Run a command that has an event loop of its own, beside the simulator's."""
    runner = CliRunner(env={"MODELOPS_SECRET_ACME": key})
    return await asyncio.to_thread(
        lambda: runner.invoke(command, [*arguments], standalone_mode=False)  # type: ignore[arg-type]
    )


async def test_connections_as_text_and_json(folder: Path) -> None:
    text = await _run(connections_command, "-C", str(folder))
    assert text.return_value == 0
    assert "1 of 1 models offered" in text.stdout
    assert text.stdout.splitlines()[-1] == "1 of 1 providers connected"
    assert "4711" not in text.output
    shown = await _run(connections_command, "acme", "-C", str(folder), "--format", "json")
    (report,) = json.loads(shown.stdout)
    assert report["provider"] == "acme"
    assert [step["step"] for step in report["steps"]] == [
        "dns",
        "tcp",
        "tls",
        "authentication",
        "models",
        "call",
    ]
    assert report["status"] == "connected"


async def test_a_rejected_key_is_exit_1_and_says_what_to_do(folder: Path) -> None:
    result = await _run(connections_command, "-C", str(folder), key="bad-key-4711")
    assert result.return_value == 1
    assert "the key is rejected" in result.stdout
    assert "4711" not in result.output


async def test_a_misspelt_provider_is_named(folder: Path) -> None:
    result = await _run(connections_command, "acne", "-C", str(folder))
    assert result.exception is not None
    assert "'acne'" in str(result.exception)


async def test_what_is_discovered_can_be_declared(folder: Path) -> None:
    before = await _run(discover_command, "acme", "-C", str(folder), "--format", "json")
    offered = [offer["model"] for offer in json.loads(before.stdout)["new"]]
    assert offered == ["text-embed-1", "vendor/new-model:free"]
    await _run(discover_command, "acme", "-C", str(folder), "--write")
    text = (folder / "providers.d" / "acme.yaml").read_text()
    assert text.startswith("# kept\n")
    assert "house-model   # ours\n" in text
    configuration = load_configuration(folder)
    types = {model.model: model.type for model in states.models(configuration.state).values()}
    assert types == {
        "house-model": "chat",
        "vendor/new-model:free": "chat",
        "text-embed-1": "embedding",
    }
    again = await _run(discover_command, "acme", "-C", str(folder), "--format", "json")
    assert json.loads(again.stdout)["new"] == []


async def test_only_some_are_taken(folder: Path) -> None:
    result = await _run(discover_command, "acme", "-C", str(folder), "--only", "vendor/*")
    assert result.stdout.splitlines() == [
        "+ vendor/new-model:free",
        "acme: 3 offered, 1 new, 0 gone, 0 changed",
    ]
    written = await _run(
        discover_command, "acme", "-C", str(folder), "--only", "vendor/*", "--write"
    )
    assert written.stderr == "providers.d/acme.yaml: 1 model added\n"


def test_the_catalog_is_shown() -> None:
    runner = CliRunner()
    shown = runner.invoke(catalog_command, ["show", "claude-sonnet-4-5"], standalone_mode=False)
    assert shown.stdout.startswith("anthropic/claude-sonnet-4-5\n")
    assert "200,000 tokens" in shown.stdout
    tiered = runner.invoke(catalog_command, ["show", "claude-haiku-5-5"], standalone_mode=False)
    lines = [line.partition(", output")[0] for line in tiered.stdout.splitlines()]
    served = lines.index("    service tier us: input 0.11")
    assert lines[served + 1] == "      above 100,000 input tokens: input 0.55"
    listed = runner.invoke(catalog_command, ["list", "--format", "json"], standalone_mode=False)
    assert json.loads(listed.stdout)["openai"]["base_url"] == "https://api.openai.com/v1"
    models = runner.invoke(catalog_command, ["list", "groq"], standalone_mode=False)
    assert "llama-3.3-70b-versatile" in models.stdout
    unknown = runner.invoke(catalog_command, ["show", "gpt-4oo"], standalone_mode=False)
    assert "does not know 'gpt-4oo'" in str(unknown.exception)
