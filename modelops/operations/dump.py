"""Dump: a revision as a configuration folder that plans to no change.

For teams that inherit a store without its files, and for reading what is live in the form one
would write. Comments are gone for good. Sealed keys stay where they are: until somebody sets them
again the folder does not validate, so that applying it cannot take them away.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from modelops.config.emit import emit
from modelops.config.files import SETTINGS
from modelops.operations.declared_form import written, written_agent, written_provider
from modelops.resources import state as states
from modelops.resources.errors import ModelopsError
from modelops.resources.resolved import Model, Provider
from modelops.resources.state import State
from modelops.secrets.writing import RULES_FILE
from modelops.store.protocol import ConfigStore


class Dumped(msgspec.Struct, frozen=True, kw_only=True):
    """A revision as files: text by path. `sealed` lists the keys that no file can hold."""

    revision: int
    files: dict[str, str]
    sealed: tuple[str, ...]


async def dump(store: ConfigStore, revision: int | None = None) -> Dumped:
    """Return a revision as files, the newest by default; ModelopsError when it is empty."""
    snapshot = await store.snapshot(revision)
    if not snapshot.state:
        raise ModelopsError(
            f"revision {snapshot.head.revision} holds nothing", "modelops history lists revisions"
        )
    return Dumped(
        revision=snapshot.head.revision,
        files=dict(_files(snapshot.state)),
        sealed=tuple(sorted(_sealed(snapshot.state))),
    )


def write(dumped: Dumped, folder: Path, source: Path | None = None) -> bool:
    """Write the files into a folder that is new or empty; ModelopsError when it is not.

    The rules by which sops encrypts come from the `source` folder if it has any; return whether the
    folder has all that setting its keys takes.
    """
    rules = source / RULES_FILE if source else None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise ModelopsError(f"{folder} is not empty", "name a new folder")
        for name, text in dumped.files.items():
            path = folder / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        if rules is not None and rules.is_file():
            (folder / RULES_FILE).write_bytes(rules.read_bytes())
            return True
    except OSError as error:
        raise ModelopsError(f"{folder} cannot be written: {error.strerror}") from None
    return not dumped.sealed


def _files(state: State) -> Iterator[tuple[str, str]]:
    settings = states.settings(state)
    if settings is not None:
        yield SETTINGS, emit(written(settings))
    models = states.models(state).values()
    for name, provider in sorted(states.providers(state).items()):
        own = [model for model in models if model.provider == name]
        yield provider_file(provider, own)
    for name, chain in sorted(states.chains(state).items()):
        yield f"chains.d/{name}.yaml", emit(written(chain))
    for name, agent in sorted(states.agents(state).items()):
        yield f"agents.d/{name}.yaml", emit(written_agent(agent))


def provider_file(provider: Provider, models: Sequence[Model]) -> tuple[str, str]:
    """Return the path and the text of a provider's file."""
    own = sorted(models, key=lambda model: model.model)
    return f"providers.d/{provider.provider}.yaml", emit(written_provider(provider, own))


def _sealed(state: State) -> Iterator[str]:
    """Yield the arguments by which `modelops secret set` puts each sealed key into the files."""
    for provider in states.providers(state).values():
        if provider.api_key == "sealed":
            yield provider.address
    for agent in states.agents(state).values():
        for credential in agent.credentials:
            if credential.api_key == "sealed":
                yield f"{agent.address} --provider {credential.provider}"
