"""What a chain does on its worst day, computed from the numbers that it declares.

The worst day: every attempt fails in a way that may be retried just before its timeout, and every
backoff takes its longest. The gateway's reserve rule holds: a retry happens only while deadline and
attempt cap still leave one full try for each remaining target. Pure, so that `validate` and `plan`
say the same.
"""

from __future__ import annotations

import msgspec

from modelops.resources.resolved import Chain

FIRST_BACKOFF_MS = 500
LONGEST_BACKOFF_MS = 5_000
BACKOFF_SPREAD = 1.2
"""Upper end of the random factor."""


class TargetWorstCase(msgspec.Struct, frozen=True, kw_only=True):
    """One target: attempts it gets, when the first begins, and how long that one may take.

    Times are milliseconds from the start of the request. `first_try_ms` is 0 for a target that is
    not reached, and less than its timeout when the deadline cuts it short.
    """

    model: str
    attempts: int
    begins_ms: int
    first_try_ms: int
    timeout_ms: int

    @property
    def reached(self) -> bool:
        """Whether it gets an attempt at all."""
        return self.attempts > 0

    @property
    def whole(self) -> bool:
        """Whether its first attempt may use its whole timeout."""
        return self.first_try_ms >= self.timeout_ms


class WorstCase(msgspec.Struct, frozen=True, kw_only=True):
    """A whole chain: its targets in order, how long it takes and how many attempts it makes."""

    targets: tuple[TargetWorstCase, ...]
    total_ms: int
    attempts: int


def worst_case(chain: Chain) -> WorstCase:
    """Return the worst case of a chain."""
    elapsed, attempts = 0, 0
    targets: list[TargetWorstCase] = []
    for index, target in enumerate(chain.targets):
        begins = elapsed
        first = min(target.timeout_ms, chain.deadline_ms - elapsed)
        if attempts >= chain.max_attempts or first <= 0:
            targets.append(_target(target.model, 0, begins, 0, target.timeout_ms))
            continue
        elapsed += first
        made = 1
        later = chain.targets[index + 1 :]
        reserve_ms = sum(other.timeout_ms for other in later)
        for retry in range(target.max_retries):
            cost = longest_backoff_ms(retry) + target.timeout_ms
            in_time = elapsed + cost + reserve_ms <= chain.deadline_ms
            if not in_time or attempts + made + 1 + len(later) > chain.max_attempts:
                break
            elapsed += cost
            made += 1
        attempts += made
        targets.append(_target(target.model, made, begins, first, target.timeout_ms))
    return WorstCase(targets=tuple(targets), total_ms=elapsed, attempts=attempts)


def longest_backoff_ms(retry: int) -> int:
    """Return the longest wait before a retry, counted from 0."""
    return int(min(FIRST_BACKOFF_MS * 2**retry, LONGEST_BACKOFF_MS) * BACKOFF_SPREAD)


def _target(model: str, attempts: int, begins: int, first: int, timeout: int) -> TargetWorstCase:
    return TargetWorstCase(
        model=model, attempts=attempts, begins_ms=begins, first_try_ms=first, timeout_ms=timeout
    )
