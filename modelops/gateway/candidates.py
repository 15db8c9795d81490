"""The targets of a chain as one request meets them: which can be called, which not, and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from modelops.gateway.call import Endpoint, header_lines
from modelops.gateway.credential import Credential
from modelops.gateway.failure import Failure
from modelops.gateway.protocols import ADAPTERS
from modelops.gateway.protocols.adapter import Adapter
from modelops.gateway.table import Agent, Chain, Step, Target


class Candidate(msgspec.Struct, frozen=True):
    """A target that can be called, as far as is known before its request is built.

    `lines` are the answer headers that name it, `others` the candidates behind it, `reserve` the
    seconds that one full try of each takes.
    """

    position: int
    step: Step
    credential: Credential
    adapter: Adapter
    lines: bytes
    others: tuple[Candidate, ...] = ()
    reserve: float = 0.0


Label = Literal[
    "disabled", "not-spoken", "unusable", "wrong-type", "cannot-carry", "busy", "open", "cooling"
]
"""Why a target was stepped over, as the answer header shows it."""


class Skip(msgspec.Struct, frozen=True, gc=False):
    """A target that is stepped over. `reason` is for people."""

    step: Step
    label: Label
    reason: str


def plan_targets(
    chain: Chain, endpoint: Endpoint, agent: Agent | None, *, one_provider: bool = False
) -> tuple[Candidate | Skip, ...]:
    """Return the targets of a chain in their order.

    `one_provider`: the request names what only one provider keeps, so only the targets of the
    first that speaks the caller's protocol are called: no translation carries such a name.
    """
    found: Sequence[Candidate | Skip] = [
        _plan_target(position, step, endpoint, agent) for position, step in enumerate(chain.steps)
    ]
    if one_provider:
        found = _of_one_provider(found)
    return _with_others(found)


def _of_one_provider(found: Sequence[Candidate | Skip]) -> Sequence[Candidate | Skip]:
    native = (one for one in found if isinstance(one, Candidate) and one.adapter.native)
    first = next(native, None)
    if first is None:
        return found  # each says what it cannot carry
    owner = first.step.target.provider
    reason = f"what the request names is kept by {owner.name}"
    return [
        Skip(one.step, "cannot-carry", reason)
        if isinstance(one, Candidate) and one.step.target.provider is not owner
        else one
        for one in found
    ]


def _with_others(found: Sequence[Candidate | Skip]) -> tuple[Candidate | Skip, ...]:
    """Tell each candidate which ones follow it."""
    others: tuple[Candidate, ...] = ()
    targets: list[Candidate | Skip] = []
    for planned in reversed(found):
        if isinstance(planned, Candidate):
            reserve = sum(other.step.timeout for other in others)
            targets.append(msgspec.structs.replace(planned, others=others, reserve=reserve))
            others = (planned, *others)
        else:
            targets.append(planned)
    return tuple(reversed(targets))


def _plan_target(
    position: int, step: Step, endpoint: Endpoint, agent: Agent | None
) -> Candidate | Skip:
    provider = step.target.provider
    if not provider.enabled:
        return Skip(step, "disabled", "its provider is disabled")
    adapter = ADAPTERS.get((endpoint, provider.protocol))
    if adapter is None:
        return Skip(step, "not-spoken", f"{provider.protocol} cannot serve {endpoint} yet")
    if (endpoint == "/v1/embeddings") != (step.target.type == "embedding"):
        return Skip(step, "wrong-type", f"it is a model for {step.target.type}")
    own = agent.credentials.get(provider.name) if agent is not None else None
    credential = own or provider.credential
    if credential.error:
        return Skip(step, "unusable", credential.error)
    return Candidate(position, step, credential, adapter, _lines(position, step))


def _lines(position: int, step: Step) -> bytes:
    headers = [(b"x-modelops-target", step.target.name.encode())]
    if position > 0:
        headers.append((b"x-modelops-fallback", b"true"))
    if step.target.provider.simulated:
        headers.append((b"x-modelops-simulated", b"true"))
    return header_lines(headers)


def fits(target: Target, refused: Target, failure: Failure) -> bool:
    """Whether a target may carry what an earlier one refused for its size or its kind."""
    if failure.kind == "context_length":
        known = target.context_window is not None and refused.context_window is not None
        return not known or (target.context_window or 0) > (refused.context_window or 0)
    if failure.kind == "unsupported":
        if target.capabilities is None or refused.capabilities is None:
            return True
        return bool(target.capabilities - refused.capabilities)
    return True
