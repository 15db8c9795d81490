"""How long a provider asks to be left alone, in every spelling in use."""

from __future__ import annotations

import math
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

LONGEST = 86_400.0
"""Seconds. Anything longer is cut to a day."""

_MILLISECONDS = (b"retry-after-ms", b"x-ms-retry-after-ms")


def retry_after(headers: Mapping[bytes, bytes], unix_us: int) -> float | None:
    """Return the seconds a response's headers ask for, None when they do not.

    No time, and one that is over, asks for nothing either: as in the official SDKs, the usual wait
    is kept then, and a provider that sends them is not called three times within a millisecond.
    """
    for name in _MILLISECONDS:
        if (wait := _number(headers.get(name, b""))) and wait > 0:
            return _bounded(wait / 1000)
    value = headers.get(b"retry-after", b"")
    if (wait := _number(value)) is not None:
        return _bounded(wait)
    try:
        date = parsedate_to_datetime(value.decode("latin-1"))
    except ValueError:
        return None
    if date.tzinfo is None:
        return None
    return _bounded(date.timestamp() - unix_us / 1e6)


def duration(text: object) -> float | None:
    """Return the seconds in a protobuf duration such as Gemini's `34.4s`, None when it is none."""
    if not isinstance(text, str) or not text.endswith("s"):
        return None
    wait = _number(text[:-1].encode("utf-8", "replace"))
    return None if wait is None else _bounded(wait)


def _number(value: bytes) -> float | None:
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _bounded(seconds: float) -> float | None:
    return min(seconds, LONGEST) if seconds > 0 else None
