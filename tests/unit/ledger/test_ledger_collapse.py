"""Rows that are put together come to what they came to apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledger_samples import added_up, attempt

from modelops.ledger.collapse import STAGES, Collapsed, collapse, rows
from modelops.metering.attempt import Attempt, Cost, Usage
from modelops.resources.times import MINUTE_US
from modelops.store.columns import columns_of
from modelops.store.sums import CellKey, Sums

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


def collapsed(given_rows: Sequence[Attempt], stage: int = 0) -> list[Attempt]:
    groups: Collapsed = {}
    for row in given_rows:
        collapse(row, groups, stage)
    return list(rows(groups))


def without_user(given_rows: Sequence[Attempt], unit_us: int) -> list[Attempt]:
    return [
        msgspec.structs.replace(row, user="", started_at_us=row.started_at_us // unit_us * unit_us)
        for row in given_rows
    ]


def without_histograms(sums: dict[CellKey, Sums]) -> dict[CellKey, Sums]:
    for group in sums.values():
        group.latency = group.first_content = b""
    return sums


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


@given(
    st.lists(attempts(), max_size=40), st.lists(st.tuples(st.integers(0, 3), st.integers(0, 40)))
)
def test_a_later_stage_keeps_what_the_cost_is_asked_of(
    some: list[Attempt], runs: list[tuple[int, int]]
) -> None:
    left, before, last = list[Attempt](), 0, 0
    for stage, point in runs:
        left = collapsed([*left, *some[before:point]], stage)
        before, last = max(before, point), max(last, stage)
    left += some[before:]
    unit_us = STAGES[last].unit_us
    found, expected = (added_up(without_user(each, unit_us)) for each in (left, some))
    if STAGES[last].by_duration:
        assert found == expected
    else:
        assert without_histograms(found) == without_histograms(expected)
    for row in left:
        if row.weight == 1:
            assert row in some
        elif row.message in {stage.message for stage in STAGES[1:]}:
            assert row.user == ""


def whole_numbers(row: Attempt) -> list[int]:
    return [value for [value] in columns_of([row]).values() if isinstance(value, int)]


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


GIVEN_UP = {
    "attempt_id",
    "request_id",
    "client_request_id",
    "number",
    "message",
    "started_at_us",
    "usage.provider_cost_pico",
    "usage.provider_input_pico",
}
"""What of a row is lost when it is put together with others of its minute."""


def columns(row: Attempt) -> dict[str, Any]:
    found = msgspec.structs.asdict(row)
    for part in ("usage", "cost"):
        parts = msgspec.structs.asdict(found.pop(part))
        found |= {f"{part}.{name}": value for name, value in parts.items()}
    return found


@pytest.mark.parametrize("column", sorted(columns(attempt()).keys() - GIVEN_UP))
def test_every_other_column_is_added_up_or_keeps_rows_apart(column: str) -> None:
    usage = Usage(source="reported", **dict.fromkeys(Usage.__struct_fields__[1:], 1))
    cost = Cost(source="declared", **dict.fromkeys(Cost.__struct_fields__[1:], 1))
    row = attempt(usage=usage, cost=cost, latency_us=10**6, first_content_us=10**6)
    value = columns(row)[column]
    if isinstance(value, bool):
        another: Any = not value
    else:
        another = value + ("x" if isinstance(value, str) else 1)
    part, _, name = column.rpartition(".")
    changes = {name: another}
    if part:
        changes = {part: msgspec.structs.replace(getattr(row, part), **changes)}
    left = collapsed([row, msgspec.structs.replace(row, **changes)])
    assert len(left) == 2 or (
        type(value) is int and columns(left[0])[column] == value + another  # bools add up too
    )


def test_users_then_minutes_then_hours_are_given_up_and_the_row_says_so() -> None:
    same: dict[str, Any] = {"latency_us": 1_000_000, "started_at_us": 0, "message": "it broke"}
    ada, bob = attempt(user="ada", **same), attempt(user="bob", **same)
    later = msgspec.structs.replace(ada, started_at_us=MINUTE_US, user="cy")
    evening = msgspec.structs.replace(ada, started_at_us=600 * MINUTE_US, latency_us=9, user="dan")
    assert collapsed([ada, bob]) == [ada, bob]
    (two,) = collapsed([ada, bob], 1)
    assert (two.user, two.weight, two.message) == ("", 2, "collapsed: users not kept")
    nobody = collapsed([attempt(**same), attempt(**same)])
    assert len(collapsed([two, *nobody])) == 2, "a user that was not kept is not none"
    assert collapsed([two, later], 1) == [two, later]
    (three,) = collapsed([two, later], 2)
    assert (three.weight, three.message) == (3, "collapsed: users and minutes not kept")
    (four,) = collapsed([three, evening], 3)
    assert (four.weight, four.latency_us) == (4, 3_000_009)
    assert four.message == "collapsed: users, hours and percentiles not kept"
    assert collapsed([four, ada]) == [four, ada]
    assert collapsed([four, four])[0].weight == 8
