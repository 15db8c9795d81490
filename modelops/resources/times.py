"""Time as every room holds it: whole microseconds, and moments as those since 1970 (Unix time)."""

from __future__ import annotations

import time

MINUTE_US = 60_000_000
HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US


def now_us() -> int:
    """Return Unix time in microseconds."""
    return time.time_ns() // 1000
