"""From the name in a request to the chain it runs through: four rules, and no falling through.

A name that means nothing is a 404 with the nearest names, one the agent may not call is a 403 that
names what it may: a request never reaches a model it did not ask for.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

import msgspec

from modelops.gateway.errors import GatewayError
from modelops.gateway.table import Agent, Chain, RoutingTable, Target, direct

DEFAULT = "default"
"""The model name that stands for the caller's default."""

LENGTHS_APART = 6
COMPARED_MAX = 1000


def resolve(table: RoutingTable, model: str, agent: str = "", prefer: str = "") -> Chain:
    """Return the chain a request runs through; GatewayError (400, 403, 404) when there is none.

    `agent` '' is nobody's request, which may call everything. `prefer` names the provider whose
    targets are moved to the front.
    """
    caller = _caller(table, agent)
    found = _find(table, model, caller)
    if caller is not None:
        _check_access(found, caller)
    if isinstance(found, Target):
        return direct(found)
    return _preferred(table, found, prefer) if prefer else found


def _caller(table: RoutingTable, agent: str) -> Agent | None:
    if not agent:
        return None
    caller = table.agents.get(agent)
    if caller is None:
        raise GatewayError(403, "unknown_agent", f"agent {agent!r} is not declared")
    return caller


def _find(table: RoutingTable, model: str, caller: Agent | None) -> Chain | Target:
    if not model or model == DEFAULT:
        return _default_chain(table, caller)
    provider, slash, _ = model.partition("/")
    if slash and provider in table.providers:
        target = table.models.get(model)
        if target is None:
            raise _not_found(table, model, caller, f"provider {provider!r} does not offer it")
        return target
    return table.chain_names.get(model) or _owner(table, model, caller)


def _default_chain(table: RoutingTable, caller: Agent | None) -> Chain:
    name = (caller.chain if caller else "") or table.default_chain
    chain = table.chains.get(name)
    if chain is None:
        raise GatewayError(
            400,
            "no_default_chain",
            "the request names no model, and neither the agent nor the configuration has a "
            "default chain; name a chain or a model",
        )
    return chain


def _owner(table: RoutingTable, model: str, caller: Agent | None) -> Target:
    """Return the one model a bare name means."""
    owners = [target for target in table.bare.get(model, ()) if target.provider.enabled]
    if not owners:
        raise _not_found(table, model, caller, "no chain, alias or model goes by it")
    if caller and caller.prefer:
        for target in owners:
            if target.provider.name == caller.prefer:
                return target
    direct_owners = [target for target in owners if not target.provider.aggregator]
    candidates = direct_owners or owners
    if len({target.provider.name for target in candidates}) > 1:
        names = ", ".join(sorted(target.name for target in candidates))
        raise GatewayError(
            400, "ambiguous_model", f"model {model!r} is offered by several providers: {names}"
        )
    return candidates[0]


def _check_access(found: Chain | Target, caller: Agent) -> None:
    if isinstance(found, Target):
        allowed, called = caller.access.model(found.name), f"model {found.name!r}"
    else:
        allowed, called = caller.access.chain(found.name), f"chain {found.name!r}"
    if not allowed:
        patterns = ", ".join(caller.access.patterns) or "nothing"
        raise GatewayError(
            403,
            "model_not_allowed",
            f"agent {caller.name!r} may not call {called}; it may: {patterns}",
        )


def _preferred(table: RoutingTable, chain: Chain, prefer: str) -> Chain:
    if prefer not in table.providers:
        raise GatewayError(
            400, "unknown_provider", f"x-modelops-prefer: there is no provider {prefer!r}"
        )
    first = tuple(step for step in chain.steps if step.target.provider.name == prefer)
    rest = tuple(step for step in chain.steps if step.target.provider.name != prefer)
    return msgspec.structs.replace(chain, steps=first + rest)


def _not_found(table: RoutingTable, model: str, caller: Agent | None, reason: str) -> GatewayError:
    near = nearest(model, table.models_for(caller.name if caller else ""))
    hint = f"; did you mean {', '.join(near)}?" if near else ""
    return GatewayError(
        404, "model_not_found", f"model {model[:200]!r} is not known: {reason}{hint}"
    )


def nearest(name: str, known: Iterable[str]) -> list[str]:
    """Return the known names most like one, at most three, by whole name or its last part.

    Only names of about the same length are compared, so that a wrong name stays cheap to answer.
    """
    name = name[:200].lower()
    by_key: dict[str, list[str]] = {}
    for candidate in known:
        for key in {candidate.lower(), candidate.lower().partition("/")[2]}:
            if abs(len(key) - len(name)) <= LENGTHS_APART and len(by_key) < COMPARED_MAX:
                by_key.setdefault(key, []).append(candidate)
    found = difflib.get_close_matches(name, by_key, n=3, cutoff=0.6)
    return list(dict.fromkeys(full for key in found for full in by_key[key]))[:3]
