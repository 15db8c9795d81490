"""Addresses: the name a resource goes by in plans, errors and on the command line.

An address carries the kind: `provider/openai`, `model/openai/gpt-4o`, `chain/production`,
`agent/dev-agent`, and `config/acme-llm` for the settings of a configuration. A model's own name
may hold slashes, so a model address is split at its first two only.
"""

from __future__ import annotations

from typing import Literal, get_args

Kind = Literal["config", "provider", "model", "chain", "agent"]

KINDS: tuple[Kind, ...] = get_args(Kind)
"""Every kind, in the order in which plans list them."""
_RANKS = {kind: rank for rank, kind in enumerate(KINDS)}


def address(kind: Kind, *names: str) -> str:
    """Return the address of a resource: `address("model", "openai", "gpt-4o")`."""
    return "/".join((kind, *names))


def model_address(reference: str) -> str:
    """Return the address of a model referred to as `provider/model`, as chains and clients do."""
    return f"model/{reference}"


def kind_of(resource_address: str) -> Kind:
    """Return the kind an address starts with; ValueError when it starts with none."""
    kind = resource_address.partition("/")[0]
    if kind not in _RANKS:
        raise ValueError(f"{resource_address!r} does not start with one of {', '.join(KINDS)}")
    return kind


def order(resource_address: str) -> tuple[int, str]:
    """Return what addresses are sorted by: their kind, as plans list them, then themselves."""
    return _RANKS[kind_of(resource_address)], resource_address


def split_model(reference: str) -> tuple[str, str]:
    """Split `provider/model` at the first slash: half of all real model ids contain one."""
    provider, _, model = reference.partition("/")
    return provider, model
