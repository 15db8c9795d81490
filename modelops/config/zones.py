"""Time zones by name, and the day it is there: what `today` means to a configuration."""

from __future__ import annotations

from datetime import UTC, date, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


def find(name: str) -> tzinfo | None:
    """Return the IANA time zone of a name; None when there is none, or no data on zones at all."""
    if name == "UTC":  # which needs no data
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def day(now: datetime, zone: str) -> date:
    """Return the day in a zone at an aware time; without such a zone, in the time's own."""
    return now.astimezone(find(zone) or now.tzinfo).date()
