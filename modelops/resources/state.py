"""A state: all resources of one configuration, resolved, by address; and the digests of it.

A digest is the SHA-256, in hex, of the canonical JSON of what it covers: msgspec's deterministic
order (keys sorted), Decimals as canonical strings. Two equal states have equal digests whatever
files, positions or order they came from.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

import msgspec

from modelops.resources.resolved import Agent, Chain, Model, Provider, Resource, Settings

FORM = 1
"""Version of the resolved form. Stored content carries it; reading an older one is store/'s."""

State = Mapping[str, Resource]
"""Resources by address."""

_ENCODER = msgspec.json.Encoder(order="deterministic")
_DECODER: msgspec.json.Decoder[Resource] = msgspec.json.Decoder(Resource)


def encode(resource: Resource) -> bytes:
    """Return the canonical JSON of one resource: what is stored and what its digest covers."""
    return _ENCODER.encode(resource)


def decode(content: bytes | str) -> Resource:
    """Return the resource whose canonical JSON this is; msgspec.ValidationError if it is not."""
    return _DECODER.decode(content)


def digest(resource: Resource) -> str:
    """Return the digest of one resource."""
    return hashlib.sha256(encode(resource)).hexdigest()


def state_digest(digests: Mapping[str, str]) -> str:
    """Return the digest of a state from the digests of its resources by address."""
    lines = "".join(f"{address} {digests[address]}\n" for address in sorted(digests))
    return hashlib.sha256(lines.encode()).hexdigest()


def by_address(resources: Iterable[Resource]) -> dict[str, Resource]:
    """Return the state these resources make."""
    return {resource.address: resource for resource in resources}


def settings(state: State) -> Settings | None:
    """Return the settings of a state; an empty state has none."""
    return next((item for item in state.values() if isinstance(item, Settings)), None)


def providers(state: State) -> dict[str, Provider]:
    """Return the providers of a state by name."""
    return {item.provider: item for item in state.values() if isinstance(item, Provider)}


def models(state: State) -> dict[str, Model]:
    """Return the models of a state by `provider/model`."""
    return {item.name: item for item in state.values() if isinstance(item, Model)}


def chains(state: State) -> dict[str, Chain]:
    """Return the chains of a state by name."""
    return {item.chain: item for item in state.values() if isinstance(item, Chain)}


def agents(state: State) -> dict[str, Agent]:
    """Return the agents of a state by name."""
    return {item.agent: item for item in state.values() if isinstance(item, Agent)}
