"""What rows add up to, by name and packed: every measure has a lane of one whole number.

Adding two packed groups is adding three integers. A report of a month adds up hundreds of thousands
of groups of 23 measures and two histograms: by columns, and a row for each bucket, took seconds.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import msgspec


class Sums(msgspec.Struct, gc=False):
    """What one group of rows adds up to. Cache-write tokens are those of both lifetimes.

    `attempts` leaves out refused requests, which reached no provider; `requests` counts final rows.
    Attempts without a cost are `unpriced` when their usage was reported, else `unmetered`. Latency
    is that of successful attempts. Histograms are as `consecutive` reads them. Money is pico-USD;
    Python's integers do not overflow.

    The order is that of the lanes, lowest first: stored, and so never changed. What is mostly 0
    stands last, where zeros take no room.
    """

    attempts: int = 0
    attempts_ok: int = 0
    requests: int = 0
    requests_ok: int = 0
    latency_count: int = 0
    first_content_count: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_pico: int = 0
    input_cost_pico: int = 0
    output_cost_pico: int = 0
    latency_sum_us: int = 0
    first_content_sum_us: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    requests_fallback: int = 0
    simulated: int = 0
    estimate_pico: int = 0
    unpriced: int = 0
    unmetered: int = 0
    attempts_cancelled: int = 0
    requests_cancelled: int = 0
    latency: bytes = b""
    first_content: bytes = b""


MEASURES = Sums.__struct_fields__[:-2]
"""What has a lane: all but the histograms."""


LANE_BYTES = 12
"""Room for 2^31 of the largest values that a column of attempts holds, with a sign."""

BUCKET_BYTES = 5
"""Room for 10^12 durations in a bucket of a histogram."""

_BITS = 8 * BUCKET_BYTES

_ROW = struct.Struct("<" + f"q{LANE_BYTES - 8}x" * len(MEASURES))
_BORROW = [1 << (64 + 8 * LANE_BYTES * lane) for lane in range(len(MEASURES))]
_LOWER = struct.Struct("<" + f"Q{LANE_BYTES - 8}x" * len(MEASURES))
_WORDS = struct.Struct("<" + "QI" * len(MEASURES))
_UPPERS = sum(((1 << 32) - 1) << (64 + 8 * LANE_BYTES * lane) for lane in range(len(MEASURES)))
"""The upper words of all lanes: 0 unless one is negative or needs more than its lower one."""
_HALF = 1 << (8 * (LANE_BYTES - 8) - 1)
_HALVES = sum(_HALF << (64 + 8 * LANE_BYTES * lane) for lane in range(len(MEASURES)))
"""Half of the range of every lane: raised by it, none is negative."""
_SHIFTS = {name: 8 * LANE_BYTES * lane for lane, name in enumerate(MEASURES)}
_LANE = (1 << 8 * LANE_BYTES) - 1
_COUNT = struct.Struct("<IB")
_from_bytes = int.from_bytes


class Packed(msgspec.Struct, gc=False):
    """The sums of one group, and its two histograms, each an integer of many lanes."""

    sums: int = 0
    latency: int = 0
    first_content: int = 0

    def __bool__(self) -> bool:
        """Say whether any of it is not 0."""
        return bool(self.sums or self.latency or self.first_content)

    def add(self, more: Packed) -> None:
        """Add another group."""
        self.sums += more.sums
        self.latency += more.latency
        self.first_content += more.first_content

    def add_stored(self, sums: bytes, latency: bytes, first_content: bytes) -> None:
        """Add a group as it is stored: hundreds of thousands of them in a report."""
        self.sums += _from_bytes(sums, "little", signed=True)
        if latency:  # loaded_counts, without the call
            self.latency += _from_bytes(latency[1:], "little") << (_BITS * latency[0])
        if first_content:
            counts = _from_bytes(first_content[1:], "little")
            self.first_content += counts << (_BITS * first_content[0])

    def take_away(self, part: Packed) -> None:
        """Take away what was added with this group."""
        self.sums -= part.sums
        self.latency -= part.latency
        self.first_content -= part.first_content

    def measure(self, name: str) -> int:
        """Return one of MEASURES without unpacking the others."""
        return ((self.sums + _HALVES) >> _SHIFTS[name] & _LANE) - (_HALF << 64)

    def unpack(self) -> Sums:
        """Return the sums by name."""
        if not self.sums & _UPPERS:
            lanes = _LOWER.unpack(self.sums.to_bytes(_LOWER.size, "little"))
        else:
            words = _WORDS.unpack((self.sums + _HALVES).to_bytes(_WORDS.size, "little"))
            lanes = tuple(
                low + ((high - _HALF) << 64)
                for low, high in zip(words[::2], words[1::2], strict=True)
            )
        values: list[Any] = [*lanes, stored_counts(self.latency), stored_counts(self.first_content)]
        return Sums(*values)


def add_up(groups: Iterable[Packed]) -> Packed:
    """Return several groups as one."""
    found = Packed()
    for group in groups:
        found.add(group)
    return found


def packed(sums: Sums) -> Packed:
    """Return what `Packed.unpack` makes these sums of."""
    *values, latency, first_content = msgspec.structs.astuple(sums)
    return Packed(pack(values), loaded_counts(latency), loaded_counts(first_content))


class CellKey(NamedTuple):
    """One group in one unit of time, which is numbered from 0 of Unix time.

    Its values are those of `tally.COLUMNS`.
    """

    unit: int
    values: tuple[str | int, ...]


Tallies = dict[CellKey, Packed]


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
    return weight << (_BITS * bucket)


def stored(packed: int) -> bytes:
    """Return packed sums as they are stored."""
    return packed.to_bytes((packed.bit_length() + 8) // 8, "little", signed=True)


def stored_counts(histogram: int) -> bytes:
    """Return a histogram as it is stored: its first bucket in use, then the counts from there."""
    if not histogram:
        return b""
    first = ((histogram & -histogram).bit_length() - 1) // _BITS
    rest = histogram >> (_BITS * first)
    return first.to_bytes() + rest.to_bytes((rest.bit_length() + 7) // 8, "little")


def loaded_counts(histogram: bytes) -> int:
    """Return a histogram from what is stored of it."""
    return _from_bytes(histogram[1:], "little") << (_BITS * histogram[0]) if histogram else 0


def consecutive(histogram: bytes) -> tuple[int, Sequence[int]]:
    """Return the first bucket in use (metering/histogram.py), and the counts from there."""
    if not histogram:
        return 0, b""
    lowest = histogram[1::BUCKET_BYTES]
    in_use = len(lowest) - lowest.count(0)
    if in_use == len(histogram) - 1 - histogram.count(0, 1):
        return histogram[0], lowest  # no count above 255: most groups are small
    raw = histogram[1:] + bytes((1 - len(histogram)) % BUCKET_BYTES)
    return histogram[0], [low + (high << 32) for low, high in _COUNT.iter_unpack(raw)]
