"""What the tests of this folder begin with: configurations, one of them applied; a simulator."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import server_process
from e2e_programs import Running, running

SETTINGS = """\
config: journey
default_chain: main
"""

PROVIDERS = {
    "openai": "provider: openai\nmodels: [{model: gpt-4o}, {model: gpt-4o-mini}]\n",
    "second": (
        "provider: second\n"
        "protocol: openai\n"
        "base_url: https://second.example/v1\n"
        "models:\n"
        "  - {model: big, price: {input: 2, output: 8}}\n"
    ),
}

CHAINS = {
    "main": (
        "chain: main\n"
        "targets:\n"
        "  - {model: openai/gpt-4o, max_retries: 1}\n"
        "  - {model: second/big, max_retries: 0}\n"
    ),
}


def write_configuration(folder: Path) -> Path:
    """Write a configuration of two providers and a chain over both, and return its folder."""
    (folder / "providers.d").mkdir(parents=True)
    (folder / "chains.d").mkdir()
    (folder / "modelops.yaml").write_text(SETTINGS)
    for name, text in PROVIDERS.items():
        (folder / "providers.d" / f"{name}.yaml").write_text(text)
    for name, text in CHAINS.items():
        (folder / "chains.d" / f"{name}.yaml").write_text(text)
    return folder


@pytest.fixture
def configuration(tmp_path: Path) -> Path:
    """Return the folder of a configuration that a test may change."""
    return write_configuration(tmp_path / "configuration")


@pytest.fixture(scope="module")
def module_configuration(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a configuration that the tests of a module share."""
    return write_configuration(tmp_path_factory.mktemp("shared") / "configuration")


@pytest.fixture(scope="session")
def simulator_url() -> Iterator[str]:
    """Return where a simulator is; who makes it fail heals it."""
    with server_process.simulator() as url:
        yield url


@pytest.fixture
def folder(tmp_path: Path, simulator_url: str) -> Path:
    """Return a configuration of two providers at the simulator that has been applied."""
    server_process.write_configuration(tmp_path, simulator_url)
    server_process.apply(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def program(module_configuration: Path) -> Iterator[Running]:
    """Run that configuration with the simulator behind every provider."""
    with running("up", "-C", module_configuration, "--simulate", "--port", "0") as started:
        yield started
