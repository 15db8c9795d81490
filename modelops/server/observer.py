"""What a worker learns from its own traffic: the recorder before the ledger.

Every finished attempt passes here on its way into the books. Counts are kept per target for five
minutes, with the last error, so that `status` can say how a provider does right now; the books
would answer too, but not while the store is away. A request that failed is a line in the log.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from modelops.gateway.call import Recorder
from modelops.gateway.failure import PASSED_ON
from modelops.metering.attempt import Attempt
from modelops.metering.batches import grouped
from modelops.resources.times import MINUTE_US
from modelops.server.counters import Counters

WINDOW_MINUTES = 5

BATCH = 256
"""Requests that end before they are looked at: half a millisecond's work."""

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Seen:
    """One target's recent past. `minutes` holds [Unix minute, calls, failures]."""

    minutes: deque[list[int]] = field(default_factory=deque)
    last_error: str = ""
    last_error_at_us: int = 0

    def count(self, minute: int, calls: int, failures: int) -> None:
        """Count some calls."""
        if not self.minutes or self.minutes[-1][0] != minute:
            self.minutes.append([minute, 0, 0])
            self.forget(minute)
        self.minutes[-1][1] += calls
        self.minutes[-1][2] += failures

    def forget(self, minute: int) -> None:
        """Drop what is older than the window."""
        while self.minutes and self.minutes[0][0] <= minute - WINDOW_MINUTES:
            self.minutes.popleft()

    def totals(self, minute: int) -> tuple[int, int]:
        """Return calls and failures within the window."""
        self.forget(minute)
        return sum(entry[1] for entry in self.minutes), sum(entry[2] for entry in self.minutes)


class Observer:
    """A recorder that looks at what it passes on.

    What it learns waits until there is a batch of it or somebody asks: attempts that are alike are
    counted together, and not each in the middle of its request.
    """

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._targets: dict[str, Seen] = {}
        self._with_providers: dict[str, tuple[int, int]] = {}
        self._attempts: list[Attempt] = []
        self._ends: list[tuple[str, int]] = []
        self._counters = Counters()

    @property
    def counters(self) -> Counters:
        """Everything counted so far."""
        self._settle()
        return self._counters

    def ended(self, request_id: str, duration_us: int) -> None:
        """Take the duration of a request; its overhead excludes the time with providers.

        Retry waits are excluded too.
        """
        self._ends.append((request_id, duration_us))
        if len(self._ends) >= BATCH:
            self._settle()

    @property
    def full(self) -> bool:
        """Whether there is no room for another row."""
        return self._recorder.full

    def begin(self, attempt: Attempt) -> None:
        """Note that a call is about to be sent; never waits and never raises."""
        self._recorder.begin(attempt)

    def record(self, attempt: Attempt) -> None:
        """Take one finished attempt; never waits and never raises."""
        self._recorder.record(attempt)
        if attempt.final and attempt.outcome in ("failed", "interrupted"):
            _log(attempt)
        self._attempts.append(attempt)

    def refused(self, code: str) -> None:
        """Count a request that is answered with an error before it has a row."""
        self._counters.refused[code] += 1

    def seen(self) -> Iterator[tuple[str, Seen]]:
        """Yield every target that was called, as provider/model, and its recent past."""
        self._settle()
        yield from self._targets.items()

    def _settle(self) -> None:
        """Look at everything that waits: attempts that are alike together."""
        attempts, self._attempts = self._attempts, []
        ends, self._ends = self._ends, []
        self._time(attempts)
        if attempts:
            keys = (
                [attempt.provider for attempt in attempts],
                [attempt.model for attempt in attempts],
                [attempt.outcome for attempt in attempts],
                [attempt.final for attempt in attempts],
                [attempt.position > 0 for attempt in attempts],
                [attempt.error_class for attempt in attempts],
                [attempt.started_at_us // MINUTE_US for attempt in attempts],
            )
            for (provider, *_), [kin] in grouped(keys, [attempts]):
                self._counters.count(kin)
                if provider:
                    self._see(kin)
        spans = [(self._with_providers.pop(name, None), duration) for name, duration in ends]
        self._counters.overhead.add(
            [max(0, duration - (span[1] - span[0])) for span, duration in spans if span is not None]
        )

    def _time(self, attempts: Sequence[Attempt]) -> None:
        """Widen the time that their requests spend with providers."""
        spans = self._with_providers
        for attempt in attempts:
            if attempt.provider:
                begun = attempt.started_at_us
                ended = begun + attempt.latency_us
                span = spans.get(attempt.request_id)
                if span is not None:
                    begun, ended = min(span[0], begun), max(span[1], ended)
                spans[attempt.request_id] = (begun, ended)

    def _see(self, attempts: Sequence[Attempt]) -> None:
        last = attempts[-1]
        name = f"{last.provider}/{last.model}"
        seen = self._targets.get(name)
        if seen is None:
            seen = self._targets[name] = Seen()
        failed = last.outcome == "failed" and last.error_class not in PASSED_ON
        calls = len(attempts)
        seen.count(last.started_at_us // MINUTE_US, calls, calls if failed else 0)
        ended_at_us = last.started_at_us + last.latency_us
        if failed and ended_at_us >= seen.last_error_at_us:
            seen.last_error = f"{last.error_class}: {last.message}".rstrip(": ")
            seen.last_error_at_us = ended_at_us


def _log(attempt: Attempt) -> None:
    """Say that a request failed, and where the books tell more: never what anybody said in it."""
    target = f"{attempt.provider}/{attempt.model}"
    logger.warning(
        "a request failed at %s: %s%s",
        target,
        attempt.error_class or attempt.outcome,
        f", status {attempt.status}" if attempt.status else "",
        extra={"request_id": attempt.request_id, "agent": attempt.agent, "target": target},
    )
