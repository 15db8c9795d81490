"""The configurations this repository carries: its own, and every example."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from modelops.config import load_configuration
from modelops.resources import state as states
from modelops.resources.configuration import Configuration

REPOSITORY = Path(__file__).parents[2]
EXAMPLES = sorted(path.parent for path in REPOSITORY.glob("examples/*/modelops.yaml"))
FOLDERS = [REPOSITORY, *EXAMPLES]
KINDS = ("providers.d", "chains.d", "agents.d")


def _yaml_files(folder: Path) -> list[Path]:
    return [
        folder / "modelops.yaml",
        *(p for kind in KINDS for p in (folder / kind).rglob("*.y*ml")),
    ]


@pytest.fixture(scope="module")
def own() -> Configuration:
    return load_configuration(REPOSITORY)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_it_loads_without_a_warning(folder: Path) -> None:
    configuration = load_configuration(folder)
    assert [str(warning) for warning in configuration.warnings] == []
    assert states.providers(configuration.state)
    assert states.chains(configuration.state)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_model_has_a_price_and_a_window(folder: Path) -> None:
    models = states.models(load_configuration(folder).state).values()
    assert [model.name for model in models if model.price is None] == []
    chat = [model for model in models if model.type == "chat"]
    assert [model.name for model in chat if model.context_window is None] == []


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_file_tells_editors_its_schema(folder: Path) -> None:
    for path in _yaml_files(folder):
        first = path.read_text("utf-8").splitlines()[0]
        prefix = "# yaml-language-server: $schema="
        assert first.startswith(prefix), path
        assert (path.parent / first.removeprefix(prefix)).resolve().is_file(), path


@pytest.mark.parametrize("folder", EXAMPLES, ids=lambda folder: folder.name)
def test_an_example_explains_itself_and_is_listed(folder: Path) -> None:
    assert (folder / "README.md").read_text("utf-8").startswith("# ")
    assert f"]({folder.name})" in (REPOSITORY / "examples" / "README.md").read_text("utf-8")


@pytest.mark.parametrize("folder", EXAMPLES, ids=lambda folder: folder.name)
def test_an_example_leaves_out_what_presets_and_defaults_say(folder: Path) -> None:
    """An example shows what must be written, so nothing in it repeats what would hold anyway."""
    repeated = {"form": 1, "enabled": True, "timezone": "UTC", "deadline": "300s"}
    for path in _yaml_files(folder):
        content = yaml.safe_load(path.read_text("utf-8"))
        assert [key for key, value in repeated.items() if content.get(key) == value] == [], path


def test_the_production_chain_is_the_documented_one(own: Configuration) -> None:
    chain = states.chains(own.state)["production"]
    assert [(t.model, t.max_retries, t.timeout_ms) for t in chain.targets] == [
        ("anthropic/claude-sonnet-4-5", 3, 30_000),
        ("openai/gpt-4o", 2, 30_000),
        ("google/gemini-2.5-flash", 1, 60_000),
    ]


def test_the_fast_chain_is_the_documented_one(own: Configuration) -> None:
    chain = states.chains(own.state)["fast"]
    assert [(t.model, t.max_retries, t.timeout_ms) for t in chain.targets] == [
        ("anthropic/claude-haiku-4-5", 2, 15_000),
        ("openai/gpt-4o-mini", 2, 15_000),
    ]


def test_one_chain_is_spoken_to_in_the_openai_protocol_alone(own: Configuration) -> None:
    providers = states.providers(own.state)
    targets = states.chains(own.state)["economy"].targets
    assert {providers[t.model.partition("/")[0]].protocol for t in targets} == {"openai"}


def test_what_is_declared_here(own: Configuration) -> None:
    assert own.config == "modelops-example"
    assert sorted(states.providers(own.state)) == [
        "aihubmix",
        "anthropic",
        "deepseek",
        "glm",
        "google",
        "ollama",
        "openai",
        "openrouter",
        "qwen",
    ]
    assert sorted(states.agents(own.state)) == ["dev-agent", "research-agent", "writer-agent"]


def test_keys_come_from_the_environment_and_none_is_in_the_files(own: Configuration) -> None:
    assert {source.kind for source in own.secrets} == {"env"}
    assert sorted(source.value for source in own.secrets) == [
        f"MODELOPS_SECRET_{name.upper()}"
        for name in sorted(states.providers(own.state))
        if name != "ollama"
    ]
