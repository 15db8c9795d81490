"""Small configurations written into a folder, and what is found in them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from modelops.config.load import Inspection, inspect, load
from modelops.resources import resolved as forms
from modelops.resources import state
from modelops.resources.configuration import Configuration

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)

VALID: Mapping[str, str] = {
    "modelops.yaml": "config: small\ndefault_chain: main\n",
    "providers.d/alpha.yaml": (
        "provider: alpha\n"
        "protocol: openai\n"
        "base_url: https://alpha.example/v1\n"
        "api_key: {env: MODELOPS_SECRET_ALPHA}\n"
        "models:\n"
        "  - model: large\n"
        "    max_output_tokens: 4096\n"
        "    capabilities: [tools]\n"
        "    price: {input: 1, output: 2}\n"
        "  - model: small\n"
        "    capabilities: [tools]\n"
        "    price: {input: 0.5, output: 1}\n"
    ),
    "chains.d/main.yaml": "chain: main\ntargets:\n  - {model: alpha/large}\n",
    "agents.d/dev.yaml": "agent: dev\n",
}
"""A configuration without a single diagnostic."""


def write(folder: Path, files: Mapping[str, str | None]) -> Path:
    """Write VALID with these files in place of its own; None leaves a file out."""
    for name, content in {**VALID, **files}.items():
        if content is not None:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode())
    return folder


def look(folder: Path, files: Mapping[str, str | None]) -> Inspection:
    """Write files and look at them as at NOW."""
    return inspect(write(folder, files), now=NOW)


def resolved(folder: Path, files: Mapping[str, str | None]) -> Configuration:
    """Write files and load them as at NOW."""
    return load(write(folder, files), now=NOW)


def found(folder: Path, files: Mapping[str, str | None]) -> list[str]:
    """Return what is found in files, each as `rule file:line:column`."""
    return [f"{item.rule} {item.position}" for item in look(folder, files).diagnostics]


def with_provider(
    folder: Path, content: str, more: dict[str, str | None] | None = None
) -> Configuration:
    name = content.split()[1]
    files = {f"providers.d/{name}.yaml": content, **(more or {})}
    return resolved(folder, files)


def model(configuration: Configuration, name: str) -> forms.Model:
    return state.models(configuration.state)[name]
