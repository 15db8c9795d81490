"""What `today`, `week`, `24h` or a pair of dates mean, in the configuration's time zone.

Days are calendar days of the zone, so they have 23 or 25 hours when its clocks change. Everything
comes out as half-open spans of Unix time in microseconds.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from modelops.resources.errors import ModelopsError
from modelops.resources.times import HOUR_US

PERIODS = ("today", "week", "month", "24h", "7d", "30d")
Bucket = Literal["none", "hour", "day"]

MAX_POINTS = 1_000
"""Buckets in one report: forty days by hour, or years by day."""

FIRST_YEAR, LAST_YEAR = 1970, 9998
"""Beyond them a time cannot be converted to every time zone."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_ROLLING = {"24h": timedelta(hours=24), "7d": timedelta(days=7), "30d": timedelta(days=30)}
_CALENDAR: dict[str, Callable[[date], date]] = {
    "today": lambda day: day,
    "week": lambda day: day - timedelta(days=day.weekday()),
    "month": lambda day: day.replace(day=1),
}


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """From `since_us`, inclusive, to `until_us`, exclusive."""

    since_us: int
    until_us: int


def zone(name: str) -> ZoneInfo:
    """Return a time zone; ModelopsError when there is none of this name."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ModelopsError(
            f"{name!r} is not a time zone", "write one such as UTC or Europe/Berlin"
        ) from None


def period_span(period: str, timezone: ZoneInfo, now_us: int) -> Span:
    """Return the span of one of PERIODS that ends now; weeks begin on Monday."""
    if period in _CALENDAR:
        today = from_us(now_us, timezone).date()
        since_us = to_us(_midnight(_CALENDAR[period](today), timezone))
    elif period in _ROLLING:
        since_us = now_us - _ROLLING[period] // _MICROSECOND
    else:
        raise ModelopsError(
            f"{period!r} is not a period", f"write one of {', '.join(PERIODS)}, or from and to"
        )
    return Span(since_us=since_us, until_us=now_us)


def written_span(since: str, until: str, timezone: ZoneInfo, now_us: int) -> Span:
    """Return the span between two dates or times as written.

    A date stands for its whole day, so `until` is inclusive when it is one; without `until` the
    span ends now. A time without an offset is one of the zone.
    """
    since_us = to_us(_parse(since, timezone, end_of_day=False))
    until_us = to_us(_parse(until, timezone, end_of_day=True)) if until else now_us
    if since_us >= until_us and not until:
        raise ModelopsError(
            f"the report would begin at {since}, which is in the future", "name an earlier time"
        )
    if since_us >= until_us:
        raise ModelopsError(
            f"the report would begin at {since} and end before that", "swap from and to"
        )
    return Span(since_us=since_us, until_us=until_us)


def bucket_starts(span: Span, bucket: Bucket, timezone: ZoneInfo) -> list[int]:
    """Return when each bucket of a span begins; the first may begin before the span does."""
    if bucket == "none":
        return []
    first = from_us(span.since_us, timezone)
    starts: list[int] = []
    start = (
        to_us(first.replace(minute=0, second=0, microsecond=0))
        if bucket == "hour"
        else to_us(_midnight(first.date(), timezone))
    )
    day = first.date()
    while start < span.until_us:
        if len(starts) == MAX_POINTS:
            raise ModelopsError(
                f"a report has at most {MAX_POINTS} {bucket}s", "shorten it, or use a longer bucket"
            )
        starts.append(start)
        day += timedelta(days=1)
        start = start + HOUR_US if bucket == "hour" else to_us(_midnight(day, timezone))
    return starts


def to_us(moment: datetime) -> int:
    """Return the Unix time of a moment in microseconds, exactly."""
    return (moment - _EPOCH) // _MICROSECOND


def from_us(unix_us: int, timezone: ZoneInfo) -> datetime:
    """Return a moment as the clocks of a zone show it."""
    return (_EPOCH + timedelta(microseconds=unix_us)).astimezone(timezone)


def _midnight(day: date, timezone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), timezone)


def _parse(text: str, timezone: ZoneInfo, *, end_of_day: bool) -> datetime:
    try:
        day = _date(text)
        if day is None:
            moment = datetime.fromisoformat(text)
        else:
            moment = _midnight(day + timedelta(days=int(end_of_day)), timezone)
    except (ValueError, OverflowError):
        raise ModelopsError(
            f"{text!r} is not a time", "write 2026-11-21 or 2026-11-21T14:30"
        ) from None
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise ModelopsError(
            f"{text!r} is not a time that a report can have",
            f"write one of the years {FIRST_YEAR} to {LAST_YEAR}",
        )
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone)


def _date(text: str) -> date | None:
    """Return a date, however ISO 8601 writes it; None for anything else."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
