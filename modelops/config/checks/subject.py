"""What checks look at, and the questions that several of them ask."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import msgspec

from modelops import catalog
from modelops.config import rules
from modelops.config.declaration import Declaration
from modelops.config.diagnostics import did_you_mean, found
from modelops.config.resolve import Resolution, resolve
from modelops.config.resolve.providers import preset_of
from modelops.resources.addresses import address, split_model
from modelops.resources.configuration import Diagnostic, Position


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """A declaration, what it resolves to, and which day it is in its time zone."""

    declaration: Declaration
    resolution: Resolution
    today: date


def with_remains(subject: Subject) -> Subject:
    """Return the subject with what remains of files with errors as if it were all of them.

    Their providers and models stay unresolved: nothing is to be said of them in other files.
    """
    declaration, resolution = subject.declaration, subject.resolution
    also = declaration.remains
    whole = msgspec.structs.replace(
        declaration,
        settings=declaration.settings or also.settings,
        providers=also.providers | declaration.providers,
        chains=also.chains | declaration.chains,
        agents=also.agents | declaration.agents,
    )
    resolved = msgspec.structs.replace(
        resolve(whole), providers=resolution.providers, models=resolution.models
    )
    return Subject(declaration=whole, resolution=resolved, today=subject.today)


def unseen(subject: Subject) -> frozenset[str]:
    """Return the addresses that may be declared, with errors in their files or of their own."""
    declared, resolved = subject.declaration.providers, subject.resolution.providers
    unresolved = (address("provider", name) for name in declared.keys() - resolved.keys())
    return subject.declaration.broken.union(unresolved)


def unknown_provider(subject: Subject, name: str, position: Position) -> Iterator[Diagnostic]:
    """Yield a problem when no provider has this name."""
    providers = subject.declaration.providers
    if name not in providers and address("provider", name) not in subject.declaration.broken:
        message = f"there is no provider {name!r}"
        yield found(rules.UNKNOWN_REFERENCE, position, message, did_you_mean(name, providers))


def unknown_chain(subject: Subject, name: str, position: Position) -> Iterator[Diagnostic]:
    """Yield a problem when no chain has this name."""
    chains = subject.declaration.chains
    if name not in chains and address("chain", name) not in subject.declaration.broken:
        message = f"there is no chain {name!r}"
        yield found(rules.UNKNOWN_REFERENCE, position, message, did_you_mean(name, chains))


def unknown_model(subject: Subject, reference: str, position: Position) -> Iterator[Diagnostic]:
    """Yield a problem when no provider declares the model that `provider/model` names."""
    provider, model = split_model(reference)
    entry = subject.declaration.providers.get(provider)
    if entry is not None and entry.document.left_out:
        return  # a file with errors may have declared it
    if entry is None:
        yield from unknown_provider(subject, provider, position)
        return
    offered = [item.model for item in entry.value.models]
    if model in offered:
        return
    hint = did_you_mean(model, offered)
    preset = preset_of(entry.value)
    if preset is not None and catalog.find(preset.name, model) is not None:
        hint = f"the catalog knows it: add `- model: {model}` to {entry.document.file}"
    message = f"provider {provider!r} declares no model {model!r}"
    yield found(rules.UNKNOWN_REFERENCE, position, message, hint)


def unknown_allowed(subject: Subject, pattern: str, position: Position) -> Iterator[Diagnostic]:
    """Yield a problem when an entry of `allow` without a * names nothing that is declared."""
    kind, _, name = pattern.partition("/")
    if "*" not in name:
        unknown = unknown_chain if kind == "chain" else unknown_model
        yield from unknown(subject, name, position)
