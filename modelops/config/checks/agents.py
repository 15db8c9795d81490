"""Agents: what they refer to, what they may call, and what they ask of it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from decimal import Decimal

from modelops.config import rules
from modelops.config.checks.subject import (
    Subject,
    unknown_allowed,
    unknown_chain,
    unknown_provider,
    unseen,
)
from modelops.config.declaration import Entry
from modelops.config.diagnostics import found
from modelops.resources import resolved
from modelops.resources.addresses import split_model
from modelops.resources.configuration import Diagnostic
from modelops.resources.declared import Agent

PARAMETER_BOUNDS = {"temperature": (Decimal(0), Decimal(2)), "top_p": (Decimal(0), Decimal(1))}


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield what is wrong with agents."""
    hidden = unseen(subject)
    for name, entry in subject.declaration.agents.items():
        if entry.value.chain is not None:
            yield from unknown_chain(subject, entry.value.chain, entry.at("chain"))
        yield from _prefer(subject, entry)
        yield from _allow(subject, entry, hidden)
        if entry.value.chain is not None or subject.declaration.settings is not None:
            yield from _own_chain(entry, subject.resolution.agents[name])
        yield from _parameters(subject, entry, subject.resolution.agents[name])
        yield from _credentials(subject, entry)


def _prefer(subject: Subject, entry: Entry[Agent]) -> Iterator[Diagnostic]:
    name = entry.value.prefer
    if name is None:
        return
    yield from unknown_provider(subject, name, entry.at("prefer"))
    provider = subject.resolution.providers.get(name)
    if provider is not None and not provider.enabled:
        message = f"provider {name!r} is disabled, so preferring it has no effect"
        yield found(rules.DISABLED_REFERENCE, entry.at("prefer"), message)


def _allow(subject: Subject, entry: Entry[Agent], hidden: Collection[str]) -> Iterator[Diagnostic]:
    for index, pattern in enumerate(entry.value.allow or ()):
        position = entry.at("allow", index)
        kind, _, name = pattern.partition("/")
        if "*" in name:
            resolution = subject.resolution
            declared = resolution.chains if kind == "chain" else resolution.models
            owner = f"chain/{name}" if kind == "chain" else f"provider/{split_model(name)[0]}"
            if not _matches(name, declared) and not _matches(owner, hidden):
                message = f"{pattern} matches nothing that is declared"
                yield found(rules.IDLE_ALLOW, position, message)
        yield from unknown_allowed(subject, pattern, position)


def _own_chain(entry: Entry[Agent], agent: resolved.Agent) -> Iterator[Diagnostic]:
    if not agent.allow:
        message = f"{agent.agent} may call nothing"
        hint = "give it a chain or an allow list, or name a default_chain"
        field = "agent" if entry.value.allow is None else "allow"
        yield found(rules.REFUSED_CALLER, entry.at(field), message, hint)
    elif agent.chain and not any(_matches(item, [f"chain/{agent.chain}"]) for item in agent.allow):
        message = (
            f"{agent.agent} may not call {agent.chain!r}, which it gets when it names no model"
        )
        hint = f"add chain/{agent.chain} to allow"
        yield found(rules.REFUSED_CALLER, entry.at("allow"), message, hint)


def _matches(pattern: str, names: Iterable[str]) -> bool:
    """Say whether any name matches; * stands for any run of characters, slashes included."""
    expression = re.compile(".*".join(re.escape(part) for part in pattern.split("*")))
    return any(expression.fullmatch(name) for name in names)


def _parameters(
    subject: Subject, entry: Entry[Agent], agent: resolved.Agent
) -> Iterator[Diagnostic]:
    for name, (lowest, highest) in PARAMETER_BOUNDS.items():
        value: Decimal | None = getattr(entry.value.parameters, name)
        written = entry.document.value(("parameters", name))
        if value is not None and (isinstance(written, str) or not lowest <= value <= highest):
            message = f"{name} is not a number from {lowest} to {highest}"
            yield found(rules.PARAMETER_RANGE, entry.at("parameters", name), message)
    limit = agent.parameters.max_tokens
    chain = subject.resolution.chains.get(agent.chain)
    if limit is None or chain is None:
        return
    for target in chain.targets:
        model = subject.resolution.models.get(target.model)
        most = model.max_output_tokens if model is not None else None
        if most is not None and limit > most:
            message = f"max_tokens {limit} is more than the {most} that {target.model} can give"
            position = entry.at("parameters", "max_tokens")
            yield found(rules.UNMET_PARAMETER, position, message)


def _credentials(subject: Subject, entry: Entry[Agent]) -> Iterator[Diagnostic]:
    seen: set[str] = set()
    for index, credential in enumerate(entry.value.credentials):
        position = entry.at("credentials", index, "provider")
        yield from unknown_provider(subject, credential.provider, position)
        provider = subject.resolution.providers.get(credential.provider)
        if provider is not None and provider.auth == "none":
            message = f"provider {credential.provider!r} has auth none: the key is never sent"
            yield found(rules.UNUSED_KEY, position, message)
        if credential.provider in seen:
            message = f"this agent has a key for {credential.provider!r} already"
            yield found(rules.REPEATED_NAME, position, message)
        seen.add(credential.provider)
