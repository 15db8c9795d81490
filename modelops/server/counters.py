"""Counts since the worker started, per target: what `/metrics` shows.

They only ever rise, as Prometheus wants them. `totals` adds them up over the workers.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from modelops.metering.attempt import Attempt, Outcome, request_status
from modelops.operations.worker_report import Histogram, TargetCounts

PROVIDER_MS = (50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 300_000)
"""Upper bounds of the buckets of providers' times: from a cached first token to the longest answer.
"""

OVERHEAD_MS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 1_000)
"""The same of the gateway's own time, which is a tenth of a millisecond on an idle machine."""


@dataclass(slots=True)
class Durations:
    """A histogram that is being filled; `bounds_ms` are the upper bounds of its buckets."""

    bounds_ms: tuple[float, ...] = PROVIDER_MS
    counts: list[int] = field(init=False)
    sum_us: int = 0

    def __post_init__(self) -> None:
        self.counts = [0] * (len(self.bounds_ms) + 1)

    def add(self, durations_us: Sequence[int]) -> None:
        """Count some durations: sorted, which is faster than to look for the bucket of each."""
        ordered = sorted(durations_us)
        places = [bisect_right(ordered, bound_ms * 1_000) for bound_ms in self.bounds_ms]
        for bucket, (since, until) in enumerate(pairwise([0, *places, len(ordered)])):
            self.counts[bucket] += until - since
        self.sum_us += sum(ordered)

    def frozen(self) -> Histogram:
        """Return it as it stands."""
        return Histogram(tuple(self.counts), self.sum_us)


@dataclass(slots=True)
class _Target:
    attempts: Counter[str] = field(default_factory=Counter)
    input_tokens: int = 0
    output_tokens: int = 0
    cost_pico: int = 0
    latency: Durations = field(default_factory=Durations)
    first_content: Durations = field(default_factory=Durations)

    def count(self, outcome: Outcome, attempts: Sequence[Attempt]) -> None:
        self.attempts[outcome] += len(attempts)
        self.input_tokens += sum([attempt.usage.input_tokens or 0 for attempt in attempts])
        self.output_tokens += sum([attempt.usage.output_tokens or 0 for attempt in attempts])
        self.cost_pico += sum([attempt.cost.total_pico or 0 for attempt in attempts])
        if outcome == "success":
            self.latency.add([attempt.latency_us for attempt in attempts])
            first = [attempt.first_content_us for attempt in attempts]
            self.first_content.add([known for known in first if known is not None])


class Counters:
    """Everything one worker counts."""

    def __init__(self) -> None:
        self.requests: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.overhead = Durations(OVERHEAD_MS)
        self._targets: dict[str, _Target] = {}

    def count(self, attempts: Sequence[Attempt]) -> None:
        """Count finished attempts of one target, of one status, and all or none of them final."""
        like = attempts[0]
        if like.final:
            self.requests[request_status(like)] += len(attempts)
        if like.outcome == "refused":
            self.refused[like.error_class] += len(attempts)
        if not like.provider:
            return
        name = f"{like.provider}/{like.model}"
        target = self._targets.get(name)
        if target is None:
            target = self._targets[name] = _Target()
        target.count(like.outcome, attempts)

    def targets(self, declared: Container[str]) -> Iterator[TargetCounts]:
        """Yield the counts of the declared targets that were called."""
        for name, target in self._targets.items():
            if name in declared:
                yield TargetCounts(
                    target=name,
                    attempts=dict(target.attempts),
                    input_tokens=target.input_tokens,
                    output_tokens=target.output_tokens,
                    cost_pico=target.cost_pico,
                    latency=target.latency.frozen(),
                    first_content=target.first_content.frozen(),
                )
