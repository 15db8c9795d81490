"""Durations as people write them (`500ms`, `30s`, `10m`, `1h`) and as the program holds them.

Resolved resources hold whole milliseconds in fields whose name ends in `_ms`.
"""

from __future__ import annotations

import re

_UNITS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000}
_DURATION = re.compile(r"([0-9]{1,9})(ms|s|m|h)")


def milliseconds(text: str) -> int:
    """Return the milliseconds in a duration such as `30s`; ValueError when it is not one."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a duration such as 500ms, 30s, 10m or 1h")
    return int(match[1]) * _UNITS[match[2]]


def show(duration_ms: int) -> str:
    """Return the shortest exact spelling of a duration: `show(90_000)` is `90s`."""
    for unit in ("h", "m", "s"):
        if duration_ms and duration_ms % _UNITS[unit] == 0:
            return f"{duration_ms // _UNITS[unit]}{unit}"
    return f"{duration_ms}ms"
