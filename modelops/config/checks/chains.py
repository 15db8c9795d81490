"""Chains: targets that exist, can do what is asked of them, and can be reached in time."""

from __future__ import annotations

from collections.abc import Iterator

from modelops.config import rules
from modelops.config.checks.subject import Subject, unknown_model
from modelops.config.declaration import Entry
from modelops.config.diagnostics import found
from modelops.config.worst_case import worst_case
from modelops.resources import declared, resolved
from modelops.resources.configuration import Diagnostic
from modelops.resources.durations import show

TIMEOUT_MS = (1_000, 600_000)
DEADLINE_MS = (1_000, 3_600_000)
MAX_DURATION_MS = (1_000, 86_400_000)


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield what is wrong with chains."""
    for name, entry in subject.declaration.chains.items():
        chain = subject.resolution.chains[name]
        yield from _targets(subject, entry)
        yield from _enabled(subject, entry)
        yield from _requirements(subject, entry, chain)
        yield from _types(subject, entry)
        bounds = list(_durations(entry, chain))
        yield from bounds
        if not bounds:
            yield from _reach(entry, chain)


def _targets(subject: Subject, entry: Entry[declared.Chain]) -> Iterator[Diagnostic]:
    seen: set[str] = set()
    for index, target in enumerate(entry.value.targets):
        position = entry.at("targets", index, "model")
        yield from unknown_model(subject, target.model, position)
        if target.model in seen:
            message = f"{target.model} is a target of this chain already"
            hint = "raise the max_retries of the first instead"
            yield found(rules.REPEATED_TARGET, position, message, hint)
        seen.add(target.model)


def _enabled(subject: Subject, entry: Entry[declared.Chain]) -> Iterator[Diagnostic]:
    providers = subject.resolution.providers
    usable = False
    disabled: list[Diagnostic] = []
    for index, target in enumerate(entry.value.targets):
        provider = providers.get(target.model.partition("/")[0])
        if provider is None or provider.enabled:
            usable = True
            continue
        message = f"{target.model} is stepped over: provider {provider.provider!r} is disabled"
        position = entry.at("targets", index, "model")
        disabled.append(found(rules.DISABLED_REFERENCE, position, message))
    if usable:
        yield from disabled
    else:
        message = "every target of this chain is disabled"
        hint = "enable a provider, or delete the chain"
        yield found(rules.NO_USABLE_TARGET, entry.at("targets", key=True), message, hint)


def _requirements(
    subject: Subject, entry: Entry[declared.Chain], chain: resolved.Chain
) -> Iterator[Diagnostic]:
    for index, target in enumerate(chain.targets):
        model = subject.resolution.models.get(target.model)
        if model is None or not chain.requires:
            continue
        position = entry.at("targets", index, "model")
        if model.capabilities is None:
            message = f"nobody knows whether {model.name} can do {', '.join(chain.requires)}"
            hint = "write its capabilities where it is declared"
            yield found(rules.UNKNOWN_CAPABILITY, position, message, hint)
            continue
        lacking = [name for name in chain.requires if name not in model.capabilities]
        if lacking:
            message = f"{model.name} cannot do {', '.join(lacking)}, which the chain requires"
            yield found(rules.UNMET_REQUIREMENT, position, message)


def _types(subject: Subject, entry: Entry[declared.Chain]) -> Iterator[Diagnostic]:
    first: resolved.Model | None = None
    for index, target in enumerate(entry.value.targets):
        model = subject.resolution.models.get(target.model)
        if model is None:
            continue
        if first is not None and model.type != first.type:
            position = entry.at("targets", index, "model")
            message = f"{model.name} is for {model.type}, {first.name} for {first.type}"
            yield found(rules.MIXED_TYPES, position, message, "make a chain for each")
            return
        first = first or model


def _durations(entry: Entry[declared.Chain], chain: resolved.Chain) -> Iterator[Diagnostic]:
    yield from _bounded(entry, ("deadline",), chain.deadline_ms, DEADLINE_MS)
    unknown = ("deadline",) in entry.document.left_out
    longest = DEADLINE_MS[1] if unknown else chain.deadline_ms
    yield from _bounded(entry, ("max_duration",), chain.max_duration_ms, MAX_DURATION_MS)
    for index, target in enumerate(chain.targets):
        yield from _bounded(entry, ("targets", index, "timeout"), target.timeout_ms, TIMEOUT_MS)
        answer = (TIMEOUT_MS[0], longest)
        path = ("targets", index, "answer_timeout")
        yield from _bounded(entry, path, target.answer_timeout_ms, answer)


def _bounded(
    entry: Entry[declared.Chain],
    path: tuple[str | int, ...],
    value_ms: int,
    bounds_ms: tuple[int, int],
) -> Iterator[Diagnostic]:
    lowest, highest = bounds_ms
    if entry.document.has(path) and not lowest <= value_ms <= highest:
        message = f"{path[-1]} {show(value_ms)} is not from {show(lowest)} to {show(highest)}"
        hint = "its most is the deadline" if path[-1] == "answer_timeout" else ""
        yield found(rules.DURATION_RANGE, entry.at(*path), message, hint)


def _reach(entry: Entry[declared.Chain], chain: resolved.Chain) -> Iterator[Diagnostic]:
    for index, target in enumerate(worst_case(chain).targets):
        if target.whole:
            continue
        position = entry.at("targets", index)
        if target.reached:
            deadline = f"the deadline of {show(chain.deadline_ms)}"
            before = f"those before it take up to {show(target.begins_ms)} of {deadline}"
            message = (
                f"target {index + 1} may get only {show(target.first_try_ms)} of its "
                f"{show(target.timeout_ms)}: {before if index else f'{deadline} comes first'}"
            )
        elif index >= chain.max_attempts:
            message = f"target {index + 1} cannot be reached: max_attempts is {chain.max_attempts}"
        else:
            message = (
                f"target {index + 1} cannot be reached when those before it use their timeouts: "
                f"they take {show(target.begins_ms)}, the deadline is {show(chain.deadline_ms)}"
            )
        hint = "raise deadline or max_attempts, or lower timeouts"
        yield found(rules.UNREACHABLE_TARGET, position, message, hint)
