"""Durations counted by bucket, so that percentiles can be added up over hours and workers.

Four buckets to a doubling, from 1 ms to 35 minutes: a percentile read from them is off by at most
a tenth of its value (2 ** (1/8) is 1.091), as the geometric middle of its bucket stands for it.
The same resolution as Prometheus' native histograms of schema 2.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import accumulate, pairwise

BOUNDS_US = tuple(round(1_000 * 2 ** (n / 4)) for n in range(85))
"""Lower bounds of buckets 1 to 85, in microseconds; bucket 0 lies below the first."""

_MIDDLES_US = (
    BOUNDS_US[0] / 2,
    *(math.sqrt(lower * upper) for lower, upper in pairwise(BOUNDS_US)),
    float(BOUNDS_US[-1]),
)
"""What stands for a duration in each bucket. The first begins at 0, and the last has no end."""


def bucket_of(duration_us: int) -> int:
    """Return the bucket a duration falls into."""
    return bisect_right(BOUNDS_US, duration_us)


def buckets_of(sums_us: Sequence[int | None], counts: Sequence[int]) -> Sequence[int | None]:
    """Return the bucket of each mean duration, given sums and of how many; None of None."""
    return [
        None if sum_us is None else bisect_right(BOUNDS_US, sum_us // count)
        for sum_us, count in zip(sums_us, counts, strict=True)
    ]


def percentiles(first: int, counts: Sequence[int], *percents: int) -> list[float]:
    """Return the durations in microseconds that these shares of the counted ones do not exceed.

    `counts` are those of bucket `first` and the ones after it. Durations are not taken to be
    spread evenly inside a bucket: of many that are alike, those would be off by all of it. Empty
    when nothing was counted.
    """
    up_to = list(accumulate(counts))
    if not up_to or not (total := up_to[-1]):
        return []
    found = []
    for percent in percents:
        rank = -(-percent * total // 100) or 1
        place = bisect_left(up_to, rank)
        if place == len(up_to):
            raise ValueError(f"a percentile lies between 0 and 100, not at {percent}")
        found.append(_MIDDLES_US[first + place])
    return found
