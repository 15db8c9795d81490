"""Packed sums are the sums: whatever is added in lanes comes out as if added by name."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from modelops.metering.histogram import BOUNDS_US
from modelops.store.sums import (
    MEASURES,
    Packed,
    Sums,
    add_up,
    consecutive,
    counted,
    pack,
    packed,
    stored,
    stored_counts,
)

_COLUMN = st.integers(-(2**63), 2**63 - 1)
"""Whatever a column of attempts holds."""

_ROWS = st.lists(
    st.tuples(
        st.lists(_COLUMN, min_size=len(MEASURES), max_size=len(MEASURES)),
        st.integers(0, len(BOUNDS_US)),
        st.integers(1, 2**31),
    ),
    max_size=8,
)


def test_histograms_have_no_lane() -> None:
    assert (*MEASURES, "latency", "first_content") == Sums.__struct_fields__


@given(_ROWS)
def test_what_is_added_packed_comes_out_by_name(
    rows: list[tuple[list[int], int, int]],
) -> None:
    found, counts = Packed(), dict[int, int]()
    for values, bucket, weight in rows:
        found.add_stored(stored(pack(values)), stored_counts(counted(bucket, weight)), b"")
        counts[bucket] = counts.get(bucket, 0) + weight
    sums = found.unpack()
    for lane, name in enumerate(MEASURES):
        assert getattr(sums, name) == sum(values[lane] for values, _, _ in rows)
    first, found_counts = consecutive(sums.latency)
    assert {n: count for n, count in enumerate(found_counts, first) if count} == counts
    assert consecutive(sums.first_content) == (0, b"")


def test_a_sum_of_the_largest_values_a_billion_times_fits_its_lane() -> None:
    largest = pack([2**63 - 1] * len(MEASURES)) * 10**9
    smallest = pack([-(2**63)] * len(MEASURES)) * 10**9
    assert Packed(largest).unpack().cost_pico == (2**63 - 1) * 10**9
    assert Packed(smallest).unpack().requests_cancelled == -(2**63) * 10**9
    full = sum(counted(bucket, 10**12) for bucket in range(len(BOUNDS_US) + 1))
    assert consecutive(Packed(0, full).unpack().latency) == (0, [10**12] * (len(BOUNDS_US) + 1))


@given(_ROWS)
def test_groups_add_up_to_what_their_rows_do(rows: list[tuple[list[int], int, int]]) -> None:
    groups = [Packed(pack(values), counted(bucket, weight)) for values, bucket, weight in rows]
    whole = add_up(groups)
    for lane, name in enumerate(MEASURES):
        assert whole.measure(name) == sum(values[lane] for values, _, _ in rows)
    assert packed(whole.unpack()) == whole
    assert whole.latency == sum(group.latency for group in groups)


def test_sums_that_no_column_could_hold_are_packed_all_the_same() -> None:
    values = [2**70 + lane for lane in range(len(MEASURES))]
    values[-1] = -(2**70)
    found = Packed(pack(values)).unpack()
    assert [getattr(found, name) for name in MEASURES] == values
