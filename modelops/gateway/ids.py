"""Ids of requests and attempts: UUIDv7, so that rows made one after another lie side by side."""

from __future__ import annotations

from random import Random

_VERSION = 7 << 76 | 1 << 63
"""The bits that say UUID, version 7."""


def new_id(unix_us: int, random: Random) -> str:
    """Return a UUIDv7 (RFC 9562, 5.7) as 32 hex digits: milliseconds first, then 74 random bits."""
    bits = random.getrandbits(74)
    time_ms = (unix_us // 1000) & ((1 << 48) - 1)
    return f"{time_ms << 80 | _VERSION | bits >> 62 << 64 | bits & ((1 << 62) - 1):032x}"
