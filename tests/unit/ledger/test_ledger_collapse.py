"""Rows that are put together come to what they came to apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from ledger_samples import added_up, attempt

from modelops.ledger.collapse import MINUTE_US, Collapsed, collapse, rows
from modelops.metering.attempt import Attempt, Cost, Usage
from modelops.store.columns import values_of

_COUNTS = st.none() | st.integers(0, 10**6)
_MONEY = st.none() | st.integers(0, 2**62)


@st.composite
def attempts(draw: st.DrawFn) -> Attempt:
    return attempt(
        started_at_us=draw(st.integers(0, 3 * MINUTE_US)),
        user=draw(st.sampled_from(["", "ada"])),
        position=draw(st.integers(0, 1)),
        outcome=draw(st.sampled_from(["success", "failed", "interrupted", "refused", "adjusted"])),
        error_class=draw(st.sampled_from(["", "unpriced"])),
        message=draw(st.sampled_from(["", "it broke"])),
        final=draw(st.booleans()),
        simulated=draw(st.booleans()),
        usage=Usage(
            source=draw(st.sampled_from(["reported", "partial", "none"])),
            input_tokens=draw(_COUNTS),
            cache_write_1h_tokens=draw(_COUNTS),
            billed_tool_calls=draw(st.none() | st.integers(0, 2**31 - 1)),
        ),
        cost=Cost(total_pico=draw(_MONEY), output_pico=draw(_MONEY), estimate_pico=draw(_MONEY)),
        latency_us=draw(st.integers(0, 10**8)),
        first_content_us=draw(st.none() | st.integers(0, 10**8)),
        weight=draw(st.sampled_from([1, 1, 2, 2**30])),
    )


def collapsed(given_rows: Sequence[Attempt]) -> list[Attempt]:
    groups: Collapsed = {}
    for row in given_rows:
        collapse(row, groups)
    return list(rows(groups))


@given(st.lists(attempts(), max_size=40), st.lists(st.integers(0, 40), max_size=3))
def test_sums_and_histograms_are_the_same_wherever_rows_are_collapsed(
    some: list[Attempt], points: list[int]
) -> None:
    left: list[Attempt] = []
    before = 0
    for point in [*sorted(points), len(some)]:
        left = collapsed([*left, *some[before:point]])
        before = max(before, point)
    assert added_up(left) == added_up(some)
    assert {row.attempt_id for row in left} <= {row.attempt_id for row in some}
    for row in left:
        assert all(-(2**63) <= value < 2**63 for value in whole_numbers(row))
        assert row.weight < 2**31


def whole_numbers(row: Attempt) -> list[int]:
    return [value for value in values_of(row) if isinstance(value, int)]


def test_rows_of_a_minute_that_are_alike_become_one() -> None:
    same: dict[str, Any] = {"user": "ada", "latency_us": 1_000_000, "final": True}
    alike = [
        attempt(
            started_at_us=MINUTE_US + number,
            usage=Usage(source="reported", input_tokens=5, provider_cost_pico=7),
            cost=Cost(source="provider", total_pico=7),
            message="one of three",
            client_request_id=f"client-{number}",
            **same,
        )
        for number in range(3)
    ]
    (row,) = collapsed(alike)
    assert row == msgspec.structs.replace(
        alike[0],
        usage=Usage(source="reported", input_tokens=15),
        cost=Cost(source="provider", total_pico=21),
        latency_us=3_000_000,
        message="",
        client_request_id="",
        weight=3,
    )
    assert collapsed([row, *alike[:1]])[0].weight == 4
    (alone,) = collapsed(alike[1:2])
    assert alone is alike[1]


def test_what_the_books_count_by_keeps_rows_apart() -> None:
    row = attempt(latency_us=1_000_000)
    for change in (
        {"started_at_us": row.started_at_us + MINUTE_US},
        {"agent": "dev"},
        {"outcome": "failed"},
        {"latency_us": 2_000_000},
        {"first_content_us": 1},
        {"usage": Usage(source="none", input_tokens=0)},
        {"finish_reason": "length"},
    ):
        assert len(collapsed([row, msgspec.structs.replace(row, **change)])) == 2
    adjusted = [attempt(outcome="adjusted", client_request_id=name) for name in "ab"]
    assert collapsed(adjusted) == adjusted
