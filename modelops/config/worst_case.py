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
        first = min(target.timeout_ms, chain.deadline_ms - elapsed)
        reached = attempts < chain.max_attempts and first > 0
        tries = _tries(chain, index, elapsed, attempts) if reached else []
        targets.append(
            TargetWorstCase(
                model=target.model,
                attempts=len(tries),
                begins_ms=elapsed,
                first_try_ms=first if reached else 0,
                timeout_ms=target.timeout_ms,
            )
        )
        elapsed += sum(tries)
        attempts += len(tries)
    return WorstCase(targets=tuple(targets), total_ms=elapsed, attempts=attempts)


def _tries(chain: Chain, index: int, elapsed: int, attempts: int) -> list[int]:
    """Return how long each try of one target takes, the wait before it included.

    A retry is made only if every later target keeps one full try; the last one's may be cut short.
    """
    target, later = chain.targets[index], chain.targets[index + 1 :]
    reserve_ms = sum(other.timeout_ms for other in later)
    left = chain.deadline_ms - elapsed
    tries = [min(target.timeout_ms, left)]
    for retry in range(target.max_retries):
        left = chain.deadline_ms - elapsed - sum(tries) - longest_backoff_ms(retry)
        affordable = left >= target.timeout_ms + reserve_ms if later else left > 0
        if not affordable or attempts + len(tries) + 1 + len(later) > chain.max_attempts:
            break
        tries.append(longest_backoff_ms(retry) + min(target.timeout_ms, left))
    return tries


def longest_backoff_ms(retry: int) -> int:
    """Return the longest wait before a retry, counted from 0."""
    return int(min(FIRST_BACKOFF_MS * 2**retry, LONGEST_BACKOFF_MS) * BACKOFF_SPREAD)
