"""A configuration of its own for each test, and the program that serves it."""

from __future__ import annotations

from pathlib import Path

import pytest

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
