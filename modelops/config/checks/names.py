"""The names clients use as `model`: chains, their aliases, and models, in one name space."""

from __future__ import annotations

from collections.abc import Iterator

from modelops.config import rules
from modelops.config.checks.subject import Subject
from modelops.config.diagnostics import found
from modelops.resources.addresses import split_model
from modelops.resources.configuration import Diagnostic, Position

DEFAULT = "default"
"""What clients send for the agent's own chain."""


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield names that two chains claim, that nobody could reach, or that hide a model."""
    owners = {name: name for name in subject.declaration.chains}
    bare = _bare_names(subject)
    for chain, name, position in _names(subject):
        if chain != name:
            owner = owners.setdefault(name, chain)
            if owner != chain or name in subject.declaration.chains:
                message = f"the alias {name!r} is already a name of chain {owner!r}"
                yield found(rules.NAME_TAKEN, position, message)
        if name == DEFAULT:
            message = f"{DEFAULT!r} means the caller's own chain, so no chain can be called so"
            yield found(rules.RESERVED_NAME, position, message)
        provider, model = split_model(name)
        if model and provider in subject.declaration.providers:
            message = f"{name!r} is read as model {model!r} of provider {provider!r} first"
            yield found(rules.RESERVED_NAME, position, message, "choose another alias")
        if name in bare:
            message = f"clients that send {name!r} get chain {chain!r}, not {bare[name]}"
            yield found(rules.SHADOWED_MODEL, position, message, f"they can send {bare[name]!r}")


def _names(subject: Subject) -> Iterator[tuple[str, str, Position]]:
    """Yield each chain with each of its names and where that stands."""
    for name, entry in subject.declaration.chains.items():
        yield name, name, entry.at("chain")
        for index, alias in enumerate(entry.value.aliases):
            yield name, alias, entry.at("aliases", index)


def _bare_names(subject: Subject) -> dict[str, str]:
    """Return provider/model by the bare names a client could use for it."""
    bare: dict[str, str] = {}
    for model in subject.resolution.models.values():
        bare.setdefault(model.model, model.name)
        bare.setdefault(model.upstream_model, model.name)
    return bare
