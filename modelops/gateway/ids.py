"""Ids of requests and attempts: UUIDv7, so that rows made one after another lie side by side."""

from __future__ import annotations

from random import Random

_VERSION = 7 << 76 | 2 << 62
"""The bits that say UUID, version 7."""

_CHANCE = (1 << 80) - 1 & ~(15 << 76 | 3 << 62)
"""The bits that stay random beside them."""

_TIME = (1 << 48) - 1


def new_id(unix_us: int, random: Random) -> str:
    """Return a UUIDv7 (RFC 9562, 5.7) as 32 hex digits: milliseconds first, then 74 random bits."""
    value = (unix_us // 1000 & _TIME) << 80 | random.getrandbits(80) & _CHANCE | _VERSION
    return value.to_bytes(16, "big").hex()
