"""Rows that are alike are found together, whether all are or none."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from modelops.metering.batches import grouped

_ROWS = st.lists(st.tuples(*[st.integers(0, 2)] * 3), min_size=1, max_size=20)


@given(_ROWS)
def test_each_row_is_in_the_group_of_its_keys(rows: list[tuple[int, int, int]]) -> None:
    one, other, amount = zip(*rows, strict=True)
    found = list(grouped((one, other), (amount,)))
    assert len({tuple(key) for key, _ in found}) == len(found)
    again = [(*key, value) for key, [amounts] in found for value in amounts]
    assert Counter(again) == Counter(rows)
