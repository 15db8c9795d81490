"""Days are those of the zone, whatever its clocks do."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelops.ledger.periods import (
    PERIODS,
    Span,
    bucket_starts,
    from_us,
    period_span,
    to_us,
    written_span,
    zone,
)
from modelops.resources.errors import ModelopsError

BERLIN, NEPAL, UTC_ZONE = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Kathmandu"), ZoneInfo("UTC")
NOW_US = to_us(datetime(2026, 11, 21, 14, 30, tzinfo=UTC))  # a Saturday


def local(span_us: int, timezone: ZoneInfo) -> str:
    return from_us(span_us, timezone).isoformat(timespec="minutes")


@pytest.mark.parametrize(
    ("period", "timezone", "since"),
    [
        ("today", UTC_ZONE, "2026-11-21T00:00+00:00"),
        ("today", NEPAL, "2026-11-21T00:00+05:45"),
        ("week", BERLIN, "2026-11-16T00:00+01:00"),
        ("month", BERLIN, "2026-11-01T00:00+01:00"),
        ("24h", UTC_ZONE, "2026-11-20T14:30+00:00"),
        ("7d", UTC_ZONE, "2026-11-14T14:30+00:00"),
        ("30d", UTC_ZONE, "2026-10-22T14:30+00:00"),
    ],
)
def test_periods_end_now(period: str, timezone: ZoneInfo, since: str) -> None:
    span = period_span(period, timezone, NOW_US)
    assert (local(span.since_us, timezone), span.until_us) == (since, NOW_US)


def test_a_rolling_period_over_a_change_of_clocks_is_as_long_as_it_says() -> None:
    now = to_us(datetime(2026, 10, 25, 12, tzinfo=BERLIN))
    span = period_span("24h", BERLIN, now)
    assert span.until_us - span.since_us == 24 * 3_600_000_000


def test_dates_are_whole_days_and_times_are_local() -> None:
    days = written_span("2026-03-28", "2026-03-29", BERLIN, NOW_US)
    assert local(days.since_us, BERLIN) == "2026-03-28T00:00+01:00"
    assert local(days.until_us, BERLIN) == "2026-03-30T00:00+02:00"
    times = written_span("2026-03-28T10:00", "2026-03-28T12:00+00:00", BERLIN, NOW_US)
    assert local(times.since_us, UTC_ZONE) == "2026-03-28T09:00+00:00"
    assert local(times.until_us, UTC_ZONE) == "2026-03-28T12:00+00:00"
    assert written_span("2026-11-01", "", BERLIN, NOW_US).until_us == NOW_US


def test_a_date_is_its_whole_day_however_it_is_written() -> None:
    day = written_span("2026-11-20", "2026-11-20", BERLIN, NOW_US)
    assert written_span("20261120", "20261120", BERLIN, NOW_US) == day
    assert written_span("2026-W47-5", "2026-W47-5", BERLIN, NOW_US) == day


@pytest.mark.parametrize(
    ("since", "until", "message"),
    [
        ("2026-11-21", "2026-11-20", "end before"),
        ("2027-01-01", "", "which is in the future"),
        ("2027-01-02", "2027-01-01", "end before"),
        ("yesterday", "", "not a time"),
        ("2026-02-30", "", "not a time"),
        ("2026-11-21", "9999-12-31", "not a time"),
        ("0001-01-01", "", "not a time that a report can have"),
        ("1969-12-31T23:59", "", "not a time that a report can have"),
        ("2026-11-21", "9999-01-01T00:00+14:00", "not a time that a report can have"),
    ],
)
def test_a_span_that_makes_no_sense_is_an_error(since: str, until: str, message: str) -> None:
    with pytest.raises(ModelopsError, match=message):
        written_span(since, until, BERLIN, NOW_US)


def test_unknown_names_are_errors() -> None:
    for name in ("Mars/Olympus", "", "../etc/passwd", "\0"):
        with pytest.raises(ModelopsError, match="not a time zone"):
            zone(name)
    with pytest.raises(ModelopsError, match="not a period"):
        period_span("fortnight", BERLIN, NOW_US)


def test_days_have_as_many_hours_as_their_clocks_show() -> None:
    span = written_span("2026-10-24", "2026-10-26", BERLIN, NOW_US)
    starts = bucket_starts(span, "day", BERLIN)
    hours = [
        (b - a) // 3_600_000_000 for a, b in zip(starts, [*starts[1:], span.until_us], strict=True)
    ]
    assert hours == [24, 25, 24]
    assert len(bucket_starts(span, "hour", BERLIN)) == 73
    assert bucket_starts(span, "none", BERLIN) == []


def test_too_many_buckets_are_an_error() -> None:
    span = written_span("2025-10-01", "2026-11-05", BERLIN, NOW_US)
    assert len(bucket_starts(span, "day", BERLIN)) == 401
    with pytest.raises(ModelopsError, match="at most 1000 hours"):
        bucket_starts(span, "hour", BERLIN)


@given(
    st.integers(1_000_000_000_000_000, 2_000_000_000_000_000),
    st.integers(1, 20 * 86_400_000_000),
    st.sampled_from(["hour", "day"]),
    st.sampled_from([BERLIN, NEPAL, UTC_ZONE, ZoneInfo("Australia/Lord_Howe")]),
)
def test_buckets_rise_and_cover_the_span(
    since_us: int, length_us: int, bucket: str, timezone: ZoneInfo
) -> None:
    span = Span(since_us=since_us, until_us=since_us + length_us)
    starts = bucket_starts(span, "hour" if bucket == "hour" else "day", timezone)
    assert starts == sorted(set(starts))
    assert starts[0] <= since_us
    assert starts[-1] < span.until_us
    assert all(start % (15 * 60 * 1_000_000) == 0 for start in starts)


@pytest.mark.parametrize("period", PERIODS)
def test_every_period_is_known(period: str) -> None:
    assert period_span(period, NEPAL, NOW_US).until_us == NOW_US
