"""What a worker learns from its own traffic: the recorder before the ledger.

Every finished attempt passes here on its way into the books. Counts are kept per target for five
minutes, with the last error, so that `status` can say how a provider does right now; the books
would answer too, but not while the store is away. A request that failed is a line in the log.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from modelops.gateway.call import Recorder
from modelops.metering.attempt import Attempt
from modelops.server.counters import Counters

WINDOW_MINUTES = 5

BATCH = 256
"""News that wait at most before they are looked at: a millisecond's work."""

CALLERS_FAULT = frozenset({"caller", "context_length", "unsupported"})
"""Error classes that say nothing about the provider."""

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Seen:
    """One target's recent past. `minutes` holds [Unix minute, calls, failures]."""

    minutes: deque[list[int]] = field(default_factory=deque)
    last_error: str = ""
    last_error_at_us: int = 0

    def count(self, minute: int, *, failed: bool) -> None:
        """Count one call."""
        if not self.minutes or self.minutes[-1][0] != minute:
            self.minutes.append([minute, 0, 0])
            self.forget(minute)
        self.minutes[-1][1] += 1
        self.minutes[-1][2] += failed

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

    What it learns waits until there is a batch of it or somebody asks, so that no request waits for
    it: rows are looked at one after the other, not each in the middle of its request.
    """

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._targets: dict[str, Seen] = {}
        self._with_providers: dict[str, tuple[int, int]] = {}
        self._waiting: list[Attempt | tuple[str, int]] = []
        self._counters = Counters()

    @property
    def counters(self) -> Counters:
        """Everything counted so far."""
        self._settle()
        return self._counters

    def ended(self, request_id: str, duration_us: int) -> None:
        """Take the time a request took; what lay between its first call and its last is not ours.

        Waits between two calls are not ours either: a provider asked for them.
        """
        self._wait((request_id, duration_us))

    @property
    def full(self) -> bool:
        """Whether no further row finds a place."""
        return self._recorder.full

    def begin(self, attempt: Attempt) -> None:
        """Note that a call is about to be sent; never waits and never raises."""
        self._recorder.begin(attempt)

    def record(self, attempt: Attempt) -> None:
        """Take one finished attempt; never waits and never raises."""
        self._recorder.record(attempt)
        if attempt.final and attempt.outcome == "failed":
            _log(attempt)
        self._wait(attempt)

    def seen(self) -> Iterator[tuple[str, Seen]]:
        """Yield every target that was called, as provider/model, and its recent past."""
        self._settle()
        yield from self._targets.items()

    def _wait(self, news: Attempt | tuple[str, int]) -> None:
        self._waiting.append(news)
        if len(self._waiting) >= BATCH:
            self._settle()

    def _settle(self) -> None:
        """Look at everything that waits."""
        news, self._waiting = self._waiting, []
        for item in news:
            if isinstance(item, tuple):
                self._end(*item)
                continue
            self._counters.count(item)
            if item.provider:
                self._see(item)
                self._time(item)

    def _end(self, request_id: str, duration_us: int) -> None:
        span = self._with_providers.pop(request_id, None)
        if span is not None:
            self._counters.overhead.add(max(0, duration_us - (span[1] - span[0])))

    def _time(self, attempt: Attempt) -> None:
        """Widen the time its request spends with providers."""
        begun, ended = attempt.started_at_us, attempt.started_at_us + attempt.latency_us
        span = self._with_providers.get(attempt.request_id)
        if span is not None:
            begun, ended = min(span[0], begun), max(span[1], ended)
        self._with_providers[attempt.request_id] = (begun, ended)

    def _see(self, attempt: Attempt) -> None:
        name = f"{attempt.provider}/{attempt.model}"
        seen = self._targets.get(name)
        if seen is None:
            seen = self._targets[name] = Seen()
        failed = attempt.outcome == "failed" and attempt.error_class not in CALLERS_FAULT
        seen.count(attempt.started_at_us // 60_000_000, failed=failed)
        if failed:
            seen.last_error = f"{attempt.error_class}: {attempt.message}".rstrip(": ")
            seen.last_error_at_us = attempt.started_at_us + attempt.latency_us


def _log(attempt: Attempt) -> None:
    """Say that a request failed, and where the books tell more: never what anybody said in it."""
    target = f"{attempt.provider}/{attempt.model}"
    logger.warning(
        "a request failed at %s: %s, status %d",
        target,
        attempt.error_class,
        attempt.status,
        extra={"request_id": attempt.request_id, "agent": attempt.agent, "target": target},
    )
