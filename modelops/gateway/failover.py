"""Walking a chain: which target is tried, again or next, until one answers.

Clock and randomness are passed in. A retry is made only while the deadline and the attempt cap
still leave one full try for every target that remains.
"""

from __future__ import annotations

from collections.abc import Coroutine

from modelops.gateway.attempt_runner import AttemptRunner
from modelops.gateway.candidates import Candidate, Skip, fits
from modelops.gateway.context import MOMENT, Context
from modelops.gateway.errors import GatewayError
from modelops.gateway.exhaustion import exhausted, not_as_it_is, nothing_tried
from modelops.gateway.failure import PASSED_ON, Failure
from modelops.gateway.health import Block
from modelops.gateway.protocols.adapter import SYSTEM_BETWEEN, CannotCarryError, Outgoing
from modelops.gateway.protocols.anthropic.generations import reworded
from modelops.gateway.protocols.limits import within

BACKOFF = 0.5
BACKOFF_MAX = 5.0
SPREAD = (0.8, 1.2)
"""Seconds before a retry: min(0.5 x 2^n, 5) x U(0.8, 1.2)."""

SLOT_WAIT = 0.25
"""Seconds to wait for a provider at its limit while another target remains; for the last one as
long as leaves time for a try."""

NEXT_AT_ONCE = frozenset({"rate_limit", "timeout"})
"""Kinds after which the same target is called again only when it is the last."""


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
        self._skips: list[Skip] = []

    async def run(self) -> None:
        """Answer the request from the first target that can.

        Raises CallerFaultError when the request is at fault, GatewayError when the chain is
        exhausted or no target can be tried.
        """
        health_matters: bool | None = None
        for planned in self._context.route.targets:
            if isinstance(planned, Skip):
                self._skip(planned)
                continue
            if self._over():
                break
            block = self._blocked(planned)
            if health_matters is None:  # where all are blocked, all are tried
                health_matters = not block or not self._all_blocked()
            if block and health_matters:
                self._skip(Skip(planned.step, block, f"it is {block}"))
                continue
            try:
                outcome = await self._call(planned)
            except CannotCarryError as error:
                outcome = Skip(planned.step, "cannot-carry", f"it cannot carry {error}")
            if outcome is None:
                return
            if isinstance(outcome, Skip):
                self._skip(outcome)
                continue
            self._failures.append((planned, outcome))
            policy = outcome.policy
            if not policy.failover or (policy.addressed and not planned.position):
                raise CallerFaultError(outcome, native=planned.adapter.native)
        raise self._unanswered()

    def _call(self, candidate: Candidate) -> Coroutine[None, None, Failure | Skip | None]:
        """Make the request for a target and return its call; CannotCarryError as `_outgoing`."""
        outgoing = self._outgoing(candidate)
        if candidate.step.target.provider.max_concurrent_requests:
            return self._within_limit(candidate, outgoing)
        return self._try(candidate, outgoing)

    async def _within_limit(
        self, candidate: Candidate, outgoing: Outgoing
    ) -> Failure | Skip | None:
        """Call a target once its provider's limit allows it."""
        provider, slots = candidate.step.target.provider, self._context.services.slots
        limit = self._context.services.share(provider.max_concurrent_requests)
        at_once = slots.take(provider.name, limit)
        if not (at_once or await slots.acquire(provider.name, limit, self._patience(candidate))):
            return Skip(candidate.step, "busy", f"{limit} requests to its provider are under way")
        try:
            missed = None if at_once else self._missed(candidate)
            return missed or await self._try(candidate, outgoing)
        finally:
            slots.release(provider.name)

    def _patience(self, candidate: Candidate) -> float:
        """Return the seconds to wait for a place."""
        if candidate.others:
            return SLOT_WAIT
        left = self._context.left()
        return min(self._bound(candidate), max(left - candidate.step.timeout, left / 2))

    def _missed(self, candidate: Candidate) -> Skip | None:
        """Return why a target is not called after all, now that its provider has a place."""
        if self._context.left() <= MOMENT:
            return Skip(candidate.step, "busy", "its provider had no place before the deadline")
        block = self._blocked(candidate)
        if block and not self._all_blocked():
            return Skip(candidate.step, block, f"it is {block}")
        return None

    def _outgoing(self, candidate: Candidate) -> Outgoing:
        """Return the request for a target; CannotCarryError when it cannot take it."""
        context, target = self._context, candidate.step.target
        for earlier, why in self._failures:
            if not fits(target, earlier.step.target, why):
                raise CannotCarryError("what an earlier target could not")
        agent = context.route.agent
        parameters = agent.parameters if agent is not None else None
        body = context.body
        try:
            if candidate.position > 0:
                body = within(body, target.max_output_tokens)
                body = reworded(body, target) if candidate.adapter.native else body
            context.sent = body
            return candidate.adapter.outgoing(body, context.call.headers, target, parameters)
        except RecursionError:
            raise CannotCarryError("JSON that is nested so deeply") from None

    async def _try(self, candidate: Candidate, outgoing: Outgoing) -> Failure | None:
        """Call one target until it answers or its retries are over; return the last failure."""
        context = self._context
        retries = 0
        while True:
            context.record_pending(final=False)
            failure = await AttemptRunner(context, candidate, outgoing).run(self._bound(candidate))
            context.number += 1
            if failure is None:
                return None
            wait = self._wait(failure, candidate, retries)
            if wait is None:
                return failure
            retries += 1
            await context.services.clock.sleep(wait)

    def _bound(self, candidate: Candidate) -> float:
        """Return the seconds this try may take, so that one is left for each of the others."""
        left, step = self._context.left(), candidate.step
        if self._context.body.stream:
            return min(step.timeout, left)
        bound = left - candidate.reserve
        if bound < step.timeout:
            bound = min(step.timeout, left)
        return bound if bound < step.answer_timeout else step.answer_timeout

    def _wait(self, failure: Failure, candidate: Candidate, retries: int) -> float | None:
        """Return the seconds to wait before calling the same target again; None: do not call it."""
        if retries >= candidate.step.max_retries or not failure.retryable:
            return None
        others = [other for other in candidate.others if not self._blocked(other)]
        if others and (failure.kind in NEXT_AT_ONCE or self._blocked(candidate)):
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
        spread = self._context.services.random.uniform(*SPREAD)
        return min(BACKOFF * 2.0**retries, BACKOFF_MAX) * spread

    def _over(self) -> bool:
        context = self._context
        gone = MOMENT if context.number else 0.0  # the timer of a call may ring early
        return context.number >= context.chain.max_attempts or context.left() <= gone

    def _blocked(self, candidate: Candidate) -> Block:
        services = self._context.services
        return services.health.blocked(
            candidate.step.target,
            candidate.credential,
            self._context.call.endpoint,
            services.clock.monotonic(),
        )

    def _all_blocked(self) -> bool:
        targets = self._context.route.targets
        return all(self._blocked(one) for one in targets if isinstance(one, Candidate))

    def _skip(self, skip: Skip) -> None:
        self._context.trail.append(f"{skip.step.target.name}={skip.label}")
        self._skips.append(skip)

    def _unanswered(self) -> GatewayError | CallerFaultError:
        """Return the error of a request that no target has answered."""
        lines = [f"{skip.step.target.name}: {skip.reason}" for skip in self._skips]
        tried = [(candidate.step.target, failure) for candidate, failure in self._failures]
        threaded = self._bound_by_thread()
        if threaded or self._bound_by_system():
            return not_as_it_is(tried, lines, threaded=threaded)
        if not self._failures:
            return nothing_tried(lines, [skip.label for skip in self._skips])
        last, failure = self._failures[-1]
        if failure.kind in PASSED_ON:
            return CallerFaultError(failure, native=last.adapter.native)
        waits = [
            self._cooling(candidate) for candidate, why in self._failures if why.retry_after != 0
        ]
        return exhausted(tried, lines, self._context.left(), min(waits, default=None))

    def _bound_by_thread(self) -> bool:
        """Whether a thread, which one provider keeps, kept the request from other targets."""
        body = self._context.body
        if body.absent("thread"):
            return False
        if body.stateful and len(self._context.route.targets) > 1:
            return True  # another model of that provider may not go on with it either
        return any(skip.label == "cannot-carry" for skip in self._skips)

    def _bound_by_system(self) -> bool:
        """Whether a target would serve the request without a system message in the middle.

        Clients of Messages that send one know that models differ in it; others would take the
        error for their fault, where the chain's first target is down.
        """
        return self._context.call.dialect == "anthropic" and any(
            SYSTEM_BETWEEN in skip.reason for skip in self._skips
        )

    def _cooling(self, candidate: Candidate) -> float:
        services = self._context.services
        return services.health.cooling(
            candidate.step.target,
            candidate.credential,
            self._context.call.endpoint,
            services.clock.monotonic(),
        )
