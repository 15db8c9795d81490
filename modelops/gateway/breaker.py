"""The circuit breaker of one target: a provider's model that fails often is left alone for a while.

Shared by all chains, and given the time rather than reading a clock, so that tests are exact.
Thresholds: half of 20 or more calls in a minute, or 5 in a row; 30 s, longer each time; one probe
when half open. A call that began before the breaker opened, say a long stream, says how the target
was then: it is counted, but neither closes the breaker nor is the probe.
"""

from __future__ import annotations

from collections import deque
from typing import Literal

WINDOW = 60.0
BUCKET = 10.0
CALLS_MIN = 20
RATE = 0.5
IN_A_ROW = 5
OPEN_SECONDS = 30.0
OPEN_SECONDS_MAX = 300.0
FORGET_SECONDS = 600.0
"""Once a breaker has been closed for this long, how often it opened before no longer counts."""

State = Literal["closed", "open", "half_open"]


class Breaker:
    """Health of one target. Times are monotonic seconds."""

    __slots__ = ("_buckets", "_closed_at", "_in_a_row", "_opened", "_opened_at", "_probe", "_until")

    def __init__(self) -> None:
        self._buckets: deque[list[float]] = deque()  # [start, calls, failures]
        self._in_a_row = 0
        self._until: float | None = None
        self._opened = 0
        self._opened_at = 0.0
        self._probe: float | None = None  # when the one that is out began
        self._closed_at = 0.0

    def state(self, now: float) -> State:
        """Return whether all calls pass (closed), none (open) or a single probe (half open)."""
        if self._until is None:
            return "closed"
        return "open" if now < self._until else "half_open"

    def allows(self, now: float) -> bool:
        """Whether a call may be made now; half open, only while no probe is out."""
        return self._until is None or (now >= self._until and self._probe is None)

    def opens_again(self, now: float) -> float:
        """Return the seconds until a probe may be made, 0 when it may."""
        return 0.0 if self._until is None else max(0.0, self._until - now)

    def start(self, now: float) -> None:
        """Note that a call is made; half open, it is the probe. One of the next three follows."""
        if self._until is not None and now >= self._until:
            self._probe = now

    def success(self, began: float, now: float) -> bool:
        """Note a successful call: an open breaker closes if it began since that opened.

        Returns whether it has closed with this call.
        """
        self._in_a_row = 0
        closes = self._until is not None and began >= self._opened_at
        if closes:
            self._until = None
            self._probe = None
            self._closed_at = now
            self._buckets.clear()
        self._count(now, failed=False)
        return closes

    def failure(self, began: float, now: float) -> bool:
        """Note a call that failed by the provider's fault.

        Returns whether all was well until it opened with this call: not when a probe has failed.
        """
        self._in_a_row += 1
        self._count(now, failed=True)
        state = self.state(now)
        opens = state == "closed" and self._too_bad(now)
        if opens or (state == "half_open" and began >= self._opened_at):
            self._open(now)
        return opens

    def abandon(self, began: float) -> None:
        """Note a call that says nothing about the target: cancelled, or the caller's own fault."""
        if self._probe is not None and began >= self._probe:
            self._probe = None

    def _open(self, now: float) -> None:
        if self._until is None and now - self._closed_at > FORGET_SECONDS:
            self._opened = 0
        self._opened += 1
        self._opened_at = now
        self._probe = None
        self._in_a_row = 0
        self._until = now + min(OPEN_SECONDS * self._opened, OPEN_SECONDS_MAX)

    def _count(self, now: float, *, failed: bool) -> None:
        buckets = self._buckets
        if not buckets or now - buckets[-1][0] >= BUCKET:
            buckets.append([now, 0, 0])
            while now - buckets[0][0] >= WINDOW:
                buckets.popleft()
        buckets[-1][1] += 1
        buckets[-1][2] += failed

    def _too_bad(self, now: float) -> bool:
        if self._in_a_row >= IN_A_ROW:
            return True
        recent = [bucket for bucket in self._buckets if now - bucket[0] < WINDOW]
        calls = sum(bucket[1] for bucket in recent)
        return calls >= CALLS_MIN and sum(bucket[2] for bucket in recent) >= RATE * calls
