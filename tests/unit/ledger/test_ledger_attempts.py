"""Single attempts in pages: nothing rounded, nothing skipped."""

from __future__ import annotations

import msgspec
import pytest
from ledger_samples import attempt

from modelops.ledger.attempts import decode_cursor, encode_cursor, page, row
from modelops.metering.attempt import Cost, Usage
from modelops.resources.errors import ModelopsError

PRICED = attempt(
    provider="openai",
    model="gpt-4o",
    position=1,
    usage=Usage(source="reported", input_tokens=10, output_tokens=5),
    cost=Cost(source="declared", total_pico=3, input_pico=1, output_pico=2),
    latency_us=1_500,
)


def test_a_row_is_exact_and_says_what_is_not_known() -> None:
    shown = row(PRICED)
    assert (shown.cost_usd, shown.estimate_usd) == ("0.000000000003", None)
    assert (shown.latency_ms, shown.first_content_ms) == (1.5, None)
    assert shown.started_at == "2025-11-21T04:40:00.000000Z"
    assert (shown.outcome, shown.status) == ("success", "fallback")
    assert row(attempt(final=False, outcome="failed", position=1)).status == "failed"


def test_a_page_says_whether_there_is_another() -> None:
    rows = [attempt() for _ in range(3)]
    first = page(rows, 2)
    assert [item.attempt_id for item in first.items] == [r.attempt_id for r in rows[:2]]
    assert first.next_cursor is not None
    assert decode_cursor(first.next_cursor).attempt_id == rows[1].attempt_id
    assert page(rows, 3).next_cursor is None
    assert page([], 3).items == ()


@pytest.mark.parametrize("text", ["", "x", "\u2603", "MTo", "LTE6MDA", encode_cursor(PRICED)[:-2]])
def test_a_cursor_of_someone_elses_making_is_an_error(text: str) -> None:
    with pytest.raises(ModelopsError, match="not a cursor"):
        decode_cursor(text)


def test_a_row_that_stands_for_several_shows_sums_and_mean_durations() -> None:
    shown = row(msgspec.structs.replace(PRICED, weight=3, first_content_us=600))
    assert (shown.weight, shown.latency_ms, shown.first_content_ms) == (3, 0.5, 0.2)
    assert (shown.input_tokens, shown.cost_usd) == (10, "0.000000000003")
