"""Durations counted by bucket, so that percentiles can be added up over hours and workers.

Four buckets to a doubling, from 1 ms to 35 minutes: a percentile read from them is off by at most
a tenth of its value. The same resolution as Prometheus' native histograms of schema 2.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import accumulate

BOUNDS_US = tuple(round(1_000 * 2 ** (n / 4)) for n in range(85))
"""Lower bounds of buckets 1 to 85, in microseconds; bucket 0 lies below the first."""


_EDGES = tuple(
    (lower, upper - lower)
    for lower, upper in zip((0, *BOUNDS_US), (*BOUNDS_US, BOUNDS_US[-1]), strict=True)
)
"""Lower bound and width of every bucket; the last one has no upper bound, it counts as a point."""


def bucket_of(duration_us: int) -> int:
    """Return the bucket a duration falls into."""
    return bisect_right(BOUNDS_US, duration_us)


def percentiles(first: int, counts: Sequence[int], *percents: int) -> list[float]:
    """Return the durations in microseconds that these shares of the counted ones do not exceed.

    `counts` are those of bucket `first` and the ones after it. Inside a bucket durations are taken
    to be spread evenly. Empty when nothing was counted.
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
        count = counts[place]
        lower, width = _EDGES[first + place]
        found.append(lower + width * (rank - up_to[place] + count) / count)
    return found
