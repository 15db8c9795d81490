"""Stand-ins that several rooms hand to what they test: time, and the books behind the gateway."""

from __future__ import annotations

from modelops.metering.attempt import Attempt


class FakeClock:
    """Time that passes only when somebody waits: from `now`, in seconds, a time after `epoch_us`.

    To change `epoch_us` is to set the wall clock.
    """

    def __init__(self, now: float = 1000.0, epoch_us: int = 1_790_000_000_000_000) -> None:
        self.now = now
        self.epoch_us = epoch_us
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def unix_us(self) -> int:
        return self.epoch_us + int(self.now * 1e6)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


class Recorder:
    """Keeps the rows it is given."""

    full = False

    def __init__(self) -> None:
        self.begun: list[Attempt] = []
        self.rows: list[Attempt] = []

    def begin(self, attempt: Attempt) -> None:
        self.begun.append(attempt)

    def record(self, attempt: Attempt) -> None:
        self.rows.append(attempt)
