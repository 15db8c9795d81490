"""The names clients use as `model`: chains, their aliases, and models, in one name space."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from modelops.config import rules
from modelops.config.checks.subject import Subject
from modelops.config.diagnostics import found
from modelops.resources import resolved
from modelops.resources.addresses import split_model
from modelops.resources.configuration import Diagnostic, Position

DEFAULT = "default"
"""What clients send for the agent's own chain."""

_MOST_NAMED = 3


class Owner(msgspec.Struct, frozen=True):
    """A model that goes by a bare name: the `field` that gives it, of which model in its file."""

    provider: resolved.Provider
    model: resolved.Model
    index: int
    field: str


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield names that two own, that nobody could reach, or that hide a model."""
    owners = _owners(subject)
    ties = dict(_ties(subject, owners))
    yield from _owned_twice(subject, ties)
    # a chain that takes a name on which two are tied hides nothing: it breaks the tie
    yield from _chain_names(
        subject, {name: next(iter(owners[name].values())) for name in owners.keys() - ties.keys()}
    )


def _chain_names(subject: Subject, models: Mapping[str, Owner]) -> Iterator[Diagnostic]:
    owners = {name: name for name in subject.declaration.chains}
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
        if name in models:
            hidden = models[name].model.name
            message = f"clients that send {name!r} get chain {chain!r}, not {hidden}"
            yield found(rules.SHADOWED_MODEL, position, message, f"they can send {hidden!r}")


def _owned_twice(subject: Subject, ties: Mapping[str, list[Owner]]) -> Iterator[Diagnostic]:
    taken = {DEFAULT, *(name for _, name, _ in _names(subject))}
    for name in ties.keys() - taken:
        first, second, *others = ties[name]
        rivals = [owner.model.name for owner in (first, *others)]
        more = f" and {len(rivals) - _MOST_NAMED} more" if len(rivals) > _MOST_NAMED else ""
        message = (
            f"{name!r} alone is refused as ambiguous: {', '.join(rivals[:_MOST_NAMED])}{more} "
            f"{'go' if others else 'goes'} by it too"
        )
        hint = "make it the alias of a chain, or let agents `prefer` a provider"
        entry = subject.declaration.providers[second.provider.provider]
        position = entry.at("models", second.index, second.field)
        yield found(rules.NAME_OWNED_TWICE, position, message, hint)


def _ties(
    subject: Subject, owners: Mapping[str, dict[str, Owner]]
) -> Iterator[tuple[str, list[Owner]]]:
    """Yield the names that mean no one model, with those they could mean, as the gateway reads."""
    for name, by_provider in owners.items():
        if len(by_provider) == 1:
            continue
        enabled = [owner for owner in by_provider.values() if owner.provider.enabled]
        makers = [owner for owner in enabled if not owner.provider.aggregator]
        provider, model = split_model(name)
        full = bool(model) and provider in subject.declaration.providers
        if len(makers or enabled) > 1 and not full:
            yield name, makers or enabled


def _names(subject: Subject) -> Iterator[tuple[str, str, Position]]:
    """Yield each chain with each of its names and where that stands."""
    for name, entry in subject.declaration.chains.items():
        yield name, name, entry.at("chain")
        for index, alias in enumerate(entry.value.aliases):
            yield name, alias, entry.at("aliases", index)


def _owners(subject: Subject) -> dict[str, dict[str, Owner]]:
    """Return who goes by each bare name that a client could use, by provider, one for each."""
    owners: dict[str, dict[str, Owner]] = {}
    providers, models = subject.resolution.providers, subject.resolution.models
    for name, entry in subject.declaration.providers.items():
        provider = providers.get(name)
        if provider is None:
            continue
        for field in ("model", "upstream_model"):  # its own name comes before another's upstream
            for index, declared in enumerate(entry.value.models):
                model = models[f"{name}/{declared.model}"]
                called = owners.setdefault(getattr(model, field), {})
                if name not in called:
                    called[name] = Owner(provider, model, index, field)
    return owners
