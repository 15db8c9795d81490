"""What rows add up to, by name and packed: every measure has a lane of one whole number.

Adding two packed groups is adding three integers. A report of a month adds up hundreds of thousands
of groups of 23 measures and two histograms: by columns, and a row for each bucket, took seconds.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

import msgspec


class Sums(msgspec.Struct, kw_only=True):
    """What one group of rows adds up to. Cache-write tokens are those of both lifetimes.

    `attempts` leaves out refused requests, which reached no provider; `requests` counts final rows.
    Attempts without a cost are `unpriced` when their usage was reported, else `unmetered`. Latency
    is that of successful attempts. Histograms count by bucket (metering/histogram.py). Money is
    pico-USD; Python's integers do not overflow.
    """

    attempts: int = 0
    attempts_ok: int = 0
    attempts_cancelled: int = 0
    requests: int = 0
    requests_ok: int = 0
    requests_fallback: int = 0
    requests_cancelled: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    cost_pico: int = 0
    input_cost_pico: int = 0
    output_cost_pico: int = 0
    estimate_pico: int = 0
    unpriced: int = 0
    unmetered: int = 0
    simulated: int = 0
    latency_count: int = 0
    latency_sum_us: int = 0
    first_content_count: int = 0
    first_content_sum_us: int = 0
    latency: dict[int, int] = {}
    first_content: dict[int, int] = {}

    def plus(self, more: Sums) -> Sums:
        """Return these and the sums of another group."""
        added = {name: getattr(self, name) + getattr(more, name) for name in MEASURES}
        return Sums(
            **added,
            latency=_merged(self.latency, more.latency),
            first_content=_merged(self.first_content, more.first_content),
        )


def _merged(counts: dict[int, int], more: dict[int, int]) -> dict[int, int]:
    return {**counts, **{bucket: counts.get(bucket, 0) + more[bucket] for bucket in more}}


MEASURES = (
    "attempts",
    "attempts_ok",
    "requests",
    "requests_ok",
    "latency_count",
    "first_content_count",
    "input_tokens",
    "output_tokens",
    "cost_pico",
    "input_cost_pico",
    "output_cost_pico",
    "latency_sum_us",
    "first_content_sum_us",
    "cache_read_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
    "requests_fallback",
    "simulated",
    "estimate_pico",
    "unpriced",
    "unmetered",
    "attempts_cancelled",
    "requests_cancelled",
)
"""The lanes, lowest first: stored, and so never reordered. Those that are mostly 0 stand last,
where zeros take no room."""

LANE_BYTES = 12
"""Room for 2^31 of the largest values that a column of attempts holds, with a sign."""

BUCKET_BYTES = 5
"""Room for 10^12 durations in a bucket of a histogram."""

_ROW = struct.Struct("<" + f"q{LANE_BYTES - 8}x" * len(MEASURES))
_BORROW = [1 << (64 + 8 * LANE_BYTES * lane) for lane in range(len(MEASURES))]
_HALF = 1 << (8 * LANE_BYTES - 1)
_HALVES = sum(_HALF << (8 * LANE_BYTES * lane) for lane in range(len(MEASURES)))


class Packed:
    """The sums of one group, and its two histograms, each an integer of many lanes."""

    __slots__ = ("first_content", "latency", "sums")

    def __init__(self, sums: int = 0, latency: int = 0, first_content: int = 0) -> None:
        self.sums = sums
        self.latency = latency
        self.first_content = first_content

    def add(self, more: Packed) -> None:
        """Add another group."""
        self.sums += more.sums
        self.latency += more.latency
        self.first_content += more.first_content

    def unpack(self) -> Sums:
        """Return the sums by name."""
        raw = (self.sums + _HALVES).to_bytes(LANE_BYTES * len(MEASURES) + 1, "little")
        lanes = (
            int.from_bytes(raw[place : place + LANE_BYTES], "little") - _HALF
            for place in range(0, LANE_BYTES * len(MEASURES), LANE_BYTES)
        )
        return Sums(
            **dict(zip(MEASURES, lanes, strict=True)),
            latency=_counts(self.latency),
            first_content=_counts(self.first_content),
        )


def pack(values: Sequence[int]) -> int:
    """Return values in the order of MEASURES as an integer; those of 64 bits are packed sooner."""
    try:
        packed = int.from_bytes(_ROW.pack(*values), "little")
    except struct.error:
        return sum(value << (8 * LANE_BYTES * lane) for lane, value in enumerate(values))
    if min(values) < 0:
        packed -= sum(borrow for borrow, value in zip(_BORROW, values, strict=True) if value < 0)
    return packed


def counted(bucket: int, weight: int = 1) -> int:
    """Return the histogram of so many durations in a bucket."""
    return weight << (8 * BUCKET_BYTES * bucket)


def stored(packed: int) -> bytes:
    """Return packed sums as they are stored."""
    return packed.to_bytes((packed.bit_length() + 8) // 8, "little", signed=True)


def stored_counts(histogram: int) -> bytes:
    """Return a histogram as it is stored: its first bucket in use, then the counts from there."""
    if not histogram:
        return b""
    bits = 8 * BUCKET_BYTES
    first = ((histogram & -histogram).bit_length() - 1) // bits
    rest = histogram >> (bits * first)
    return bytes([first]) + rest.to_bytes((rest.bit_length() + 7) // 8, "little")


def loaded(sums: bytes) -> int:
    """Return packed sums from what is stored."""
    return int.from_bytes(sums, "little", signed=True)


def loaded_counts(histogram: bytes) -> int:
    """Return a histogram from what is stored."""
    if not histogram:
        return 0
    return int.from_bytes(histogram[1:], "little") << (8 * BUCKET_BYTES * histogram[0])


def _counts(histogram: int) -> dict[int, int]:
    """Return how many durations fell into each bucket that any fell into."""
    if not histogram:
        return {}
    raw = stored_counts(histogram)
    return {
        bucket: count
        for bucket, place in enumerate(range(1, len(raw), BUCKET_BYTES), raw[0])
        if (count := int.from_bytes(raw[place : place + BUCKET_BYTES], "little"))
    }
