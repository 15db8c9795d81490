"""Notices when the wall clock is set: rows stand in the books at the time that it shows.

No row can be moved afterwards, and which of the two times was wrong nobody here knows. So it is
said in the log, counted in `/metrics`, and told by `/readyz` and `status` for an hour.
"""

from __future__ import annotations

import logging

from modelops.gateway.call import Clock

STEP_S = 5.0
"""Seconds that the wall clock must gain or lose at once. Slewing changes it by 0.0005 s a second,
and the looks are 0.1 s apart."""

TOLD_S = 3600.0
"""Seconds for which a step is told."""

logger = logging.getLogger(__name__)


class ClockWatch:
    """How often the wall clock was set (`steps`), against the clock that nobody can set."""

    def __init__(self) -> None:
        self.steps = 0
        self._ahead_s: float | None = None
        self._last = ""
        self._last_at = 0.0

    def look(self, clock: Clock) -> None:
        """See whether the wall clock was set since the last look."""
        now = clock.monotonic()
        ahead_s = clock.unix_us() / 1_000_000 - now
        step_s = 0.0 if self._ahead_s is None else ahead_s - self._ahead_s
        self._ahead_s = ahead_s
        if abs(step_s) < STEP_S:
            return
        self.steps += 1
        self._last_at = now
        way = "back" if step_s < 0 else "forward, or the machine slept,"
        self._last = f"the clock went {way} by {abs(step_s):,.0f} s: rows may stand at wrong times"
        logger.warning("%s", self._last)

    def problem(self, clock: Clock) -> str:
        """Return what happened within the last hour, '' when nothing did."""
        if not self.steps or clock.monotonic() - self._last_at >= TOLD_S:
            return ""
        return self._last
