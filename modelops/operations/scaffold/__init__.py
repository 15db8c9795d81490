"""What `modelops init` writes: a configuration that validates, plans and applies as it stands.

Pure: files by path. The longer ones that hold no choice lie beside this module as they are written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from modelops.catalog import PRESETS
from modelops.resources.errors import ModelopsError
from modelops.resources.schema import STRUCTS, schema

STARTERS: Mapping[str, tuple[str, ...]] = {
    "anthropic": ("claude-sonnet-4-5", "claude-haiku-4-5"),
    "openai": ("gpt-4o", "gpt-4o-mini"),
    "google": ("gemini-2.5-flash", "gemini-2.5-pro"),
    "ollama": ("llama3.2",),
    "deepseek": ("deepseek-v4-flash", "deepseek-v4-pro"),
    "qwen": ("qwen-plus", "qwen3.7-max"),
    "glm": ("glm-4.7", "glm-5.2"),
    "openrouter": ("deepseek/deepseek-v4-flash",),
    "aihubmix": ("gpt-5.6-luna",),
    "mistral": ("mistral-medium-latest", "mistral-small-latest"),
    "groq": ("llama-3.3-70b-versatile", "openai/gpt-oss-120b"),
    "xai": ("grok-4.7",),
    "lm-studio": ("openai/gpt-oss-20b",),
}
"""Models a new configuration begins with, by preset; the first serves in its chain."""

_STATIC = {
    ".gitignore": "gitignore",
    ".pre-commit-config.yaml": "pre-commit-config.yaml",
}

WORKFLOW = ".github/workflows/modelops.yml"
"""Where modelops is published, and which commit was reviewed, is not known here, so the user fills
it in. Nobody can register the placeholder as a name: a guess would hand keys to strangers.
"""


def scaffold(config: str, providers: Sequence[str], recipient: str) -> dict[str, str]:
    """Return the files of a new configuration by path; ModelopsError for an unknown provider.

    `recipient` is the age public key that secrets are encrypted to.
    """
    for name in providers:
        if name not in STARTERS:
            raise ModelopsError(
                f"there is nothing to begin with for the provider {name!r}",
                f"choose among {', '.join(STARTERS)}; declare others by docs/configuration.md",
            )
    files = {
        "modelops.yaml": _settings(config),
        ".sops.yaml": _sops_rules(recipient),
        "chains.d/production.yaml": _chain(providers),
        "agents.d/dev.yaml": _agent(),
    }
    files |= {f"providers.d/{name}.yaml": _provider(name) for name in providers}
    files |= {path: _beside(name) for path, name in _STATIC.items()}
    files[WORKFLOW] = _beside("workflow.yml")
    files |= {f"schema/{name}.schema.json": _schema(name) for name in STRUCTS}
    return files


def secret_variables(providers: Sequence[str]) -> dict[str, str]:
    """Return by provider the variable in which a new configuration looks for its key, if any."""
    return {
        name: f"MODELOPS_SECRET_{name.upper().replace('-', '_')}"
        for name in providers
        if PRESETS[name].auth != "none"
    }


def _settings(config: str) -> str:
    return (
        "# yaml-language-server: $schema=schema/settings.schema.json\n"
        f"config: {config}   # the store remembers this name\n"
        "default_chain: production\n"
        "timezone: UTC   # what today, week and month mean in reports\n"
    )


def _provider(name: str) -> str:
    preset = PRESETS[name]
    lines = [
        "# yaml-language-server: $schema=../schema/provider.schema.json",
        f"provider: {name}",
        f"display_name: {preset.display_name}",
    ]
    for variable in secret_variables([name]).values():
        lines += [
            f"# `modelops secret set provider/{name}` puts the key itself here, encrypted",
            f"api_key: {{env: {variable}}}",
        ]
    lines.append("models:   # limits and prices come from the catalog: `modelops plan` shows them")
    lines += [f"  - model: {model}" for model in STARTERS[name]]
    return "\n".join(lines) + "\n"


def _chain(providers: Sequence[str]) -> str:
    targets = "".join(f"  - {{model: {name}/{STARTERS[name][0]}}}\n" for name in providers)
    return (
        "# yaml-language-server: $schema=../schema/chain.schema.json\n"
        "# clients ask for the model `production`; targets are tried in this order\n"
        f"chain: production\ntargets:\n{targets}"
    )


def _agent() -> str:
    return (
        "# yaml-language-server: $schema=../schema/agent.schema.json\n"
        "# a caller; `modelops key new agent/dev` makes a key and the lines that declare it\n"
        "agent: dev\n"
        "chain: production\n"
    )


def _sops_rules(recipient: str) -> str:
    return (
        "# How sops encrypts the files of this folder. Who may read the keys stands under age.\n"
        "creation_rules:\n"
        "  - path_regex: ^(providers|agents)\\.d/.*\\.ya?ml$\n"
        "    encrypted_regex: ^api_key$\n"
        "    mac_only_encrypted: true\n"
        f"    age: {recipient}\n"
        "stores:\n"
        "  yaml:\n"
        "    indent: 2\n"
    )


def _schema(name: str) -> str:
    return msgspec.json.format(msgspec.json.encode(schema(name)), indent=2).decode() + "\n"


def _beside(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")
