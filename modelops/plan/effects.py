"""What a change reaches: from providers over models and chains to the agents that call them.

A reader of a plan wants to know whose requests may go differently, not only which lines changed.
What exists before or after counts, so a chain that loses a target is reached by it as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set
from fnmatch import fnmatchcase

import msgspec

from modelops.plan.document import Change, Effect
from modelops.resources import state as states
from modelops.resources.addresses import address, kind_of, model_address, order, split_model
from modelops.resources.state import State

_SILENT = frozenset({"display_name", "labels", "protected", "key_url", "docs_url"})
"""Fields that no request depends on."""


def with_reach(changes: Iterable[Change], before: State, after: State) -> list[Change]:
    """Return the changes with the chains and agents that each reaches.

    Something new reaches nobody: whoever starts to use it changes as well.
    """
    changes = list(changes)
    if all(change.action == "create" for change in changes):
        return changes
    users = _users((before, after))
    return [
        msgspec.structs.replace(change, reaches=_reached(change, users))
        if _touches_requests(change)
        else change
        for change in changes
    ]


def indirect(changes: Iterable[Change]) -> tuple[Effect, ...]:
    """Return what does not change itself but is reached, with the changes that reach it."""
    because: dict[str, list[str]] = {}
    changed = set()
    for change in changes:
        changed.add(change.address)
        for reached in change.reaches:
            because.setdefault(reached, []).append(change.address)
    return tuple(
        Effect(address=reached, because=tuple(because[reached]))
        for reached in sorted(because, key=order)
        if reached not in changed
    )


def _touches_requests(change: Change) -> bool:
    if change.action == "create":
        return False
    if change.action == "update":
        names = {field.path.split(".")[0] for field in change.fields if field.old != field.new}
        if kind_of(change.address) == "config":
            return "default_chain" in names
        return bool(names - _SILENT) or any(field.secret for field in change.fields)
    return True


def _reached(change: Change, users: Mapping[str, Set[str]]) -> tuple[str, ...]:
    """Walk from a change to everything that uses it; chains and agents are what is told."""
    seen: set[str] = set()
    open_ends = [change.address, change.moved_from]
    while open_ends:
        for user in users.get(open_ends.pop(), ()):
            if user not in seen:
                seen.add(user)
                open_ends.append(user)
    seen.discard(change.address)
    return tuple(sorted((item for item in seen if kind_of(item) in ("chain", "agent")), key=order))


def _users(both: Iterable[State]) -> dict[str, set[str]]:
    """Return for each address those that use it, before or after."""
    users: dict[str, set[str]] = {}
    for state in both:
        for used, user in _uses(state):
            users.setdefault(used, set()).add(user)
    return users


def _uses(state: State) -> Iterator[tuple[str, str]]:
    """Yield every (used, user) of a state."""
    settings = states.settings(state)
    models: dict[str, list[str]] = {}
    for model in states.models(state).values():
        models.setdefault(model.provider, []).append(model.address)
        yield address("provider", model.provider), model.address
    for chain in states.chains(state).values():
        for target in chain.targets:
            yield model_address(target.model), chain.address
    chain_addresses = [chain.address for chain in states.chains(state).values()]
    for agent in states.agents(state).values():
        if agent.chain:
            yield address("chain", agent.chain), agent.address
        if settings is not None and agent.sources.get("chain") == "default":
            yield settings.address, agent.address
        for provider in (agent.prefer, *(item.provider for item in agent.credentials)):
            yield address("provider", provider), agent.address
        for pattern in agent.allow:
            for allowed in _allowed(pattern, chain_addresses, models):
                yield allowed, agent.address


def _allowed(
    pattern: str, chains: Iterable[str], models: Mapping[str, Iterable[str]]
) -> Iterator[str]:
    """Yield the addresses an entry of `allow` stands for; `*` is any name."""
    kind, _, name = pattern.partition("/")
    if "*" not in pattern:
        yield pattern
    elif kind == "chain":
        yield from (chain for chain in chains if fnmatchcase(chain, pattern))
    else:
        provider = split_model(name)[0]
        among = models if "*" in provider else (provider,)
        for one in among:
            yield from (model for model in models.get(one, ()) if fnmatchcase(model, pattern))
