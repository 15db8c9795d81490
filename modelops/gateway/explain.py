"""Explaining a choice: what a request with this name would run through, and in what state.

The same resolution and the same targets as a request's, without one; `POST /api/route` adds what
the gateway has learned of them, `modelops route` asks without a running server.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from modelops.gateway.call import Endpoint
from modelops.gateway.candidates import Candidate, Label, Skip, plan_targets
from modelops.gateway.health import Health
from modelops.gateway.resolve import resolve
from modelops.gateway.table import RoutingTable, Step

State = Label | Literal["ready", "too-small"]


class Explained(msgspec.Struct, frozen=True, kw_only=True):
    """One target of the chain in its place. `reason` is for people, '' when it is ready.

    `seconds` is how long it stays open or cooling. Times in seconds.
    """

    target: str
    provider: str
    protocol: str
    state: State
    reason: str
    seconds: float
    max_retries: int
    timeout: float
    answer_timeout: float
    context_window: int | None


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """What a name stands for. `chain` '' when it is a model's own name."""

    model: str
    chain: str
    deadline: float
    max_attempts: int
    targets: tuple[Explained, ...]


def explain(
    table: RoutingTable,
    model: str,
    *,
    agent: str = "",
    prefer: str = "",
    endpoint: Endpoint = "/v1/chat/completions",
    input_tokens: int = 0,
    health: Health | None = None,
    now: float = 0.0,
) -> Explanation:
    """Explain a name; GatewayError as for a request when it stands for nothing.

    `input_tokens` is the size of the request in mind, 0 when there is none. `health` and `now`
    (monotonic seconds) are the running gateway's.
    """
    chain = resolve(table, model, agent, prefer)
    found = plan_targets(chain, endpoint, table.agents.get(agent))
    return Explanation(
        model=model,
        chain=chain.name,
        deadline=chain.deadline,
        max_attempts=chain.max_attempts,
        targets=tuple(
            _explained(planned, endpoint, input_tokens, health, now) for planned in found
        ),
    )


def _explained(
    planned: Candidate | Skip,
    endpoint: Endpoint,
    input_tokens: int,
    health: Health | None,
    now: float,
) -> Explained:
    state, reason, seconds = _state(planned, endpoint, input_tokens, health, now)
    step: Step = planned.step
    return Explained(
        target=step.target.name,
        provider=step.target.provider.name,
        protocol=step.target.provider.protocol,
        state=state,
        reason=reason,
        seconds=seconds,
        max_retries=step.max_retries,
        timeout=step.timeout,
        answer_timeout=step.answer_timeout,
        context_window=step.target.context_window,
    )


def _state(
    planned: Candidate | Skip,
    endpoint: Endpoint,
    input_tokens: int,
    health: Health | None,
    now: float,
) -> tuple[State, str, float]:
    if isinstance(planned, Skip):
        return planned.label, planned.reason, 0.0
    target = planned.step.target
    if target.context_window is not None and input_tokens > target.context_window:
        return "too-small", f"its context window is {target.context_window} tokens", 0.0
    if health is None:
        return "ready", "", 0.0
    cooling = health.cooling(target, planned.credential, endpoint, now)
    if cooling:
        return "cooling", "the provider asked for a rest, or rejected key or model", cooling
    breaker = health.breaker(target)
    if not breaker.allows(now):
        return "open", "it failed too often; one call will try it again", breaker.opens_again(now)
    return "ready", "", 0.0
