"""Durations counted by bucket, so that percentiles can be added up over hours and workers.

Four buckets to a doubling, from 1 ms to 35 minutes: a percentile read from them is off by at most
a tenth of its value. The same resolution as Prometheus' native histograms of schema 2.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping

BOUNDS_US = tuple(round(1_000 * 2 ** (n / 4)) for n in range(85))
"""Lower bounds of buckets 1 to 85, in microseconds; bucket 0 lies below the first."""


def bucket_of(duration_us: int) -> int:
    """Return the bucket a duration falls into."""
    return bisect_right(BOUNDS_US, duration_us)


def percentile(counts: Mapping[int, int], percent: int) -> float | None:
    """Return the duration in microseconds that this share of the counted ones does not exceed.

    Inside a bucket durations are taken to be spread evenly. None when nothing was counted.
    """
    total = sum(counts.values())
    if not total:
        return None
    rank = max(1, -(-percent * total // 100))
    below = 0
    for bucket in sorted(counts):
        if below + counts[bucket] >= rank:
            lower, upper = _edges(bucket)
            return lower + (upper - lower) * (rank - below) / counts[bucket]
        below += counts[bucket]
    raise ValueError(f"a percentile lies between 0 and 100, not at {percent}")


def _edges(bucket: int) -> tuple[int, int]:
    """Return the bounds of a bucket; the last one, which has no upper bound, counts as a point."""
    lower = BOUNDS_US[bucket - 1] if bucket else 0
    return lower, BOUNDS_US[bucket] if bucket < len(BOUNDS_US) else lower
