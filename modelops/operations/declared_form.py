"""Resolved resources back to what somebody would have to write: the inverse of resolution.

What came from a default, the preset or the catalog is left out, so writing it again and resolving
it with the same catalog gives the same resource, sources included. Sealed keys cannot be written:
an empty one stands in their place, which `validate` refuses, so that nothing takes the key away.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

import msgspec

from modelops.plan.diff import ELEMENT_KEYS
from modelops.resources import durations
from modelops.resources.resolved import Agent, Chain, Model, Provider, Resource, Settings, Source

_PLAIN_AUTH = ("bearer", "x-api-key", "none")
_SAYS_NOTHING: Mapping[str, tuple[object, ...]] = {
    "expires": ("",),
    "tiers": ([],),
    "service_tiers": ([],),
    "hours": ([],),
    "parameters": ({},),
}
"""Values by field name that mean the same as leaving the field out, and have no source."""


def written(resource: Settings | Chain) -> dict[str, Any]:
    """Return what the file of the settings or of a chain would say."""
    return _chosen(resource)


def written_provider(provider: Provider, models: Iterable[Model]) -> dict[str, Any]:
    """Return what the file of a provider with these models would say."""
    fields = _chosen(provider)
    if "auth" in fields and provider.auth not in _PLAIN_AUTH:
        fields["auth"] = {"header": provider.auth}
    if provider.api_key:
        fields["api_key"] = _reference(provider.api_key)
    else:
        del fields["api_key"]
    listed = [_chosen(model) for model in models]
    for model in listed:
        del model["provider"]
    return fields | ({"models": listed} if listed else {})


def written_agent(agent: Agent) -> dict[str, Any]:
    """Return what the file of an agent would say."""
    fields = _chosen(agent)
    if agent.credentials:
        fields["credentials"] = [
            {"provider": item.provider, "api_key": _reference(item.api_key)}
            for item in agent.credentials
        ]
    return fields


def _reference(api_key: str) -> dict[str, str] | str:
    """Return `env:NAME` as it is written; '' for a sealed key."""
    kind, _, name = api_key.partition(":")
    return {kind: name} if name else ""


def _chosen(resource: Resource) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.to_builtins(resource, builtin_types=(Decimal,))
    del fields["kind"], fields["sources"]
    return _without_defaults("", fields, resource.sources)


def _without_defaults(
    path: str, fields: Mapping[str, Any], sources: Mapping[str, Source]
) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for name, value in fields.items():
        below = f"{path}.{name}" if path else name
        if below in sources or value is None:
            continue
        if name.endswith("_ms"):
            result[name.removesuffix("_ms")] = durations.show(value)
            continue
        chosen = _value(below, value, sources)
        if chosen not in _SAYS_NOTHING.get(name, ()):
            result[name] = chosen
    return result


def _value(path: str, value: Any, sources: Mapping[str, Source]) -> Any:
    if isinstance(value, dict):
        return _without_defaults(path, value, sources)
    if isinstance(value, (list, tuple)):
        key = ELEMENT_KEYS.get(path.rpartition(".")[2], "")
        return [
            _without_defaults(f"{path}[{item[key]}]", item, sources)
            if isinstance(item, dict)
            else item
            for item in value
        ]
    return value
