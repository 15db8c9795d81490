"""Percentiles from buckets stay within a bucket of the truth, and add up."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelops.metering.histogram import BOUNDS_US, bucket_of, percentiles

_DURATIONS = st.lists(st.integers(0, 2_000_000_000), min_size=1, max_size=200)


def test_bounds_rise_and_end_at_thirty_five_minutes() -> None:
    assert BOUNDS_US[0] == 1_000
    assert BOUNDS_US[-1] == 1_000 * 2**21
    assert all(low < high for low, high in pairwise(BOUNDS_US))


@given(st.integers(0, 10**13))
def test_a_bucket_holds_what_lies_between_its_bounds(duration_us: int) -> None:
    bucket = bucket_of(duration_us)
    assert bucket == 0 or BOUNDS_US[bucket - 1] <= duration_us
    assert bucket == len(BOUNDS_US) or duration_us < BOUNDS_US[bucket]


@given(_DURATIONS, st.sampled_from([50, 95, 100]))
def test_a_percentile_lies_in_the_bucket_of_the_true_one(
    durations: list[int], percent: int
) -> None:
    counts = Counter(bucket_of(duration) for duration in durations)
    first = min(counts)
    [found] = percentiles(first, [counts[n] for n in range(first, max(counts) + 1)], percent)
    ordered = sorted(durations)
    true = ordered[max(0, -(-percent * len(ordered) // 100) - 1)]
    bucket = bucket_of(true)
    lower = BOUNDS_US[bucket - 1] if bucket else 0
    upper = BOUNDS_US[bucket] if bucket < len(BOUNDS_US) else lower
    assert lower <= found <= upper
    if BOUNDS_US[0] <= true <= BOUNDS_US[-1]:
        assert abs(found - true) <= true / 10


@given(st.integers(BOUNDS_US[0], BOUNDS_US[-1]), st.integers(1, 10**9), st.integers(0, 100))
def test_many_that_took_the_same_are_off_by_at_most_a_tenth(
    duration_us: int, count: int, percent: int
) -> None:
    [found] = percentiles(bucket_of(duration_us), [count], percent)
    assert abs(found - duration_us) <= duration_us / 10


def test_nothing_counted_has_no_percentile() -> None:
    assert percentiles(0, [], 50) == percentiles(3, [0, 0], 50) == []


def test_more_than_a_hundred_percent_is_an_error() -> None:
    with pytest.raises(ValueError, match="between 0 and 100"):
        percentiles(3, [1], 50, 150)
