"""Walking a chain: which target is tried, again or next, and what is said when none answers.

Time and chance come from outside. A retry is made only while the deadline and the attempt cap
still leave one full try for every target that remains.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec

from modelops.gateway.context import Context
from modelops.gateway.credential import Credential
from modelops.gateway.errors import DO_NOT_RETRY, GatewayError
from modelops.gateway.failure import PASSED_ON, Failure
from modelops.gateway.protocols import ADAPTERS
from modelops.gateway.protocols.adapter import Adapter, CannotCarryError, Outgoing
from modelops.gateway.table import Step
from modelops.gateway.trial import Trial

BACKOFF = 0.5
BACKOFF_MAX = 5.0
SPREAD = (0.8, 1.2)
"""Seconds before a retry: min(0.5 x 2^n, 5) x U(0.8, 1.2)."""


_NEXT_AT_ONCE = frozenset({"rate_limit", "timeout"})
"""Kinds after which the same target is called again only when it is the last."""


class Candidate(msgspec.Struct, frozen=True, gc=False):
    """A target in its place that can be called, as far as is known before its request is made."""

    position: int
    step: Step
    credential: Credential
    adapter: Adapter


class Skip(msgspec.Struct, frozen=True, gc=False):
    """A target that cannot be called with this request. `label` is for the header."""

    step: Step
    label: str
    reason: str


class CallerFaultError(Exception):
    """The request itself is at fault: the provider's answer goes to the caller.

    `native`: it came in the caller's own protocol.
    """

    def __init__(self, failure: Failure, *, native: bool) -> None:
        super().__init__(failure.message)
        self.failure = failure
        self.native = native


class Failover:
    """One request's way down its chain."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._failures: list[tuple[Candidate, Failure]] = []
        self._skipped: list[str] = []
        self._too_much = 0

    async def run(self) -> None:
        """Answer the request from the first target that can.

        Raises CallerFaultError when the request is at fault, GatewayError when the chain is
        exhausted or no target can be tried.
        """
        turns: Sequence[Candidate | Skip] = [
            self._turn(position, step) for position, step in enumerate(self._context.chain.steps)
        ]
        candidates = [turn for turn in turns if isinstance(turn, Candidate)]
        if self._context.body.stateful and candidates:
            candidates = _of_one_provider(candidates)
            turns = tuple(candidates)
        health_matters = any(not self._blocked(candidate) for candidate in candidates)
        for turn in turns:
            if isinstance(turn, Skip):
                self._skip(turn)
                continue
            candidates.remove(turn)
            if self._over():
                break
            if health_matters and (block := self._blocked(turn)):
                self._skip(Skip(turn.step, block, block))
                continue
            try:
                outgoing = self._outgoing(turn)
            except CannotCarryError as error:
                self._too_much += 1
                self._skip(Skip(turn.step, "cannot-carry", str(error)))
                continue
            failure = await self._try(turn, outgoing, candidates)
            if failure is None:
                return
            self._failures.append((turn, failure))
            if not failure.policy.failover:
                raise CallerFaultError(failure, native=turn.adapter.native)
        if not self._failures:
            raise self._nothing_tried()
        last, failure = self._failures[-1]
        if failure.kind in PASSED_ON:
            raise CallerFaultError(failure, native=last.adapter.native)
        raise self._exhausted()

    def _turn(self, position: int, step: Step) -> Candidate | Skip:
        """Return a target ready to be called, or why it cannot be."""
        context, target = self._context, step.target
        provider, endpoint = target.provider, context.call.endpoint
        if not provider.enabled:
            return Skip(step, "disabled", "its provider is disabled")
        adapter = ADAPTERS.get((endpoint, provider.protocol))
        if adapter is None:
            return Skip(step, "not-spoken", f"{provider.protocol} cannot serve {endpoint} yet")
        credential = context.credential(step)
        if credential.error:
            return Skip(step, "unusable", credential.error)
        return Candidate(position, step, credential, adapter)

    def _outgoing(self, candidate: Candidate) -> Outgoing:
        """Return the request for a target; CannotCarryError when it cannot take it."""
        context, target = self._context, candidate.step.target
        if not self._fits(candidate):
            raise CannotCarryError("it cannot carry what an earlier target could not")
        return candidate.adapter.outgoing(
            context.body, context.call.headers, target, context.parameters
        )

    async def _try(
        self, candidate: Candidate, outgoing: Outgoing, others: list[Candidate]
    ) -> Failure | None:
        """Call one target until it answers or its retries are over; return the last failure."""
        context = self._context
        retries = 0
        while True:
            context.record_pending(final=False)
            trial = Trial(
                context,
                candidate.step,
                candidate.position,
                candidate.credential,
                candidate.adapter,
                outgoing,
            )
            failure = await trial.run(self._bound(candidate, others))
            context.number += 1
            if failure is None:
                return None
            wait = self._wait(failure, candidate, retries, others)
            if wait is None:
                return failure
            retries += 1
            await context.tools.clock.sleep(wait)

    def _bound(self, candidate: Candidate, others: list[Candidate]) -> float:
        """Return the seconds this try may take, so that one is left for each of the others."""
        left, step = self._context.left(), candidate.step
        if self._context.body.stream:
            return min(step.timeout, left)
        room = left - sum(other.step.timeout for other in others)
        return min(step.answer_timeout, left, max(room, step.timeout))

    def _wait(
        self, failure: Failure, candidate: Candidate, retries: int, others: list[Candidate]
    ) -> float | None:
        """Return the seconds to wait before calling the same target again, None not to."""
        if retries >= candidate.step.max_retries or not failure.retryable:
            return None
        others = [other for other in others if not self._blocked(other)]
        if others and (failure.kind in _NEXT_AT_ONCE or self._blocked(candidate)):
            return None
        if not failure.policy.retry:
            return None
        wait = self._backoff(retries) if failure.retry_after is None else failure.retry_after
        return wait if self._affordable(wait, candidate, others) else None

    def _affordable(self, wait: float, candidate: Candidate, others: list[Candidate]) -> bool:
        """Whether a retry after `wait` seconds leaves every other target one full try."""
        context = self._context
        if context.chain.max_attempts - context.number - 1 < len(others):
            return False
        left = context.left() - wait
        if not others:
            return left > 0
        return left - candidate.step.timeout >= sum(other.step.timeout for other in others)

    def _backoff(self, retries: int) -> float:
        return min(BACKOFF * 2.0**retries, BACKOFF_MAX) * self._context.tools.random.uniform(
            *SPREAD
        )

    def _over(self) -> bool:
        context = self._context
        return context.number >= context.chain.max_attempts or context.left() <= 0

    def _blocked(self, candidate: Candidate) -> str:
        tools = self._context.tools
        return tools.health.blocked(
            candidate.step.target,
            candidate.credential,
            self._context.call.endpoint,
            tools.clock.monotonic(),
        )

    def _fits(self, candidate: Candidate) -> bool:
        """Whether a target may carry what an earlier one said it could not."""
        target = candidate.step.target
        for earlier, failure in self._failures:
            refused = earlier.step.target
            if failure.kind == "context_length":
                if target.context_window is not None and target.context_window <= (
                    refused.context_window or 0
                ):
                    return False
            elif failure.kind == "unsupported":
                more = target.capabilities is None or refused.capabilities is None
                if not more and not (target.capabilities or set()) - (
                    refused.capabilities or set()
                ):
                    return False
        return True

    def _skip(self, skip: Skip) -> None:
        self._context.trail.append(f"{skip.step.target.name}={skip.label}")
        self._skipped.append(f"{skip.step.target.name}: {skip.reason}")

    def _nothing_tried(self) -> GatewayError:
        """Return the error of a request for which there was no target to call."""
        lines = "\n".join(self._skipped) or "the deadline or the attempt cap left no room"
        if self._too_much and self._too_much == len(self._skipped):
            return GatewayError(
                400, "unsupported_feature", f"no target can carry this request:\n{lines}"
            )
        return GatewayError(502, "no_usable_target", f"no target can be called:\n{lines}")

    def _exhausted(self) -> GatewayError:
        """Return the error of a chain in which every target failed, one line per attempt."""
        lines = "\n".join(
            [
                f"{candidate.step.target.name}: {failure.kind}, {failure.message}"
                for candidate, failure in self._failures
            ]
            + self._skipped
        )
        if self._context.left() <= 0:
            return GatewayError(504, "deadline_exceeded", f"the deadline ran out:\n{lines}")
        if all(failure.kind == "rate_limit" for _, failure in self._failures):
            wait = min(self._cooling(candidate) for candidate, _ in self._failures)
            return GatewayError(
                429,
                "rate_limited",
                f"every target is rate limited:\n{lines}",
                headers=(DO_NOT_RETRY, (b"retry-after", b"%d" % max(1, math.ceil(wait)))),
            )
        return GatewayError(502, "all_targets_failed", f"every target failed:\n{lines}")

    def _cooling(self, candidate: Candidate) -> float:
        tools = self._context.tools
        return tools.health.cooling(
            candidate.step.target,
            candidate.credential,
            self._context.call.endpoint,
            tools.clock.monotonic(),
        )


def _of_one_provider(candidates: list[Candidate]) -> list[Candidate]:
    """Return the targets of the first provider: it keeps what the request refers to."""
    first = candidates[0].step.target.provider
    return [candidate for candidate in candidates if candidate.step.target.provider is first]
