"""Ids of requests and attempts: UUIDv7, so that rows made one after another lie side by side."""

from __future__ import annotations

from random import Random


def new_id(unix_us: int, random: Random) -> str:
    """Return a UUIDv7 (RFC 9562, 5.7) as 32 hex digits: milliseconds first, then 74 random bits."""
    time_ms = (unix_us // 1000) & ((1 << 48) - 1)
    bits = random.getrandbits(74)
    return f"{time_ms:012x}{0x7000 | bits >> 62:04x}{1 << 63 | bits & ((1 << 62) - 1):016x}"
