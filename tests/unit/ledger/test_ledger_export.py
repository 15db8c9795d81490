"""Attempts as CSV: amounts are numbers, text is no formula, FOCUS columns hold what FOCUS says."""

from __future__ import annotations

import csv
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledger_samples import attempt

from modelops.ledger.export import csv_header, csv_lines
from modelops.metering.attempt import Attempt, Cost, Usage

PRICED = attempt(
    provider="openai",
    model="gpt-4o",
    usage=Usage(source="reported", input_tokens=10, output_tokens=5),
    cost=Cost(source="declared", total_pico=3, input_pico=1, output_pico=2),
    latency_us=1_500,
)


def exported(*attempts: Attempt) -> list[dict[str, str]]:
    return list(csv.DictReader((csv_header() + csv_lines(attempts)).splitlines()))


def test_a_call_fills_the_columns_of_focus() -> None:
    (line,) = exported(PRICED)
    assert (line["ChargePeriodStart"], line["ChargePeriodEnd"]) == (
        "2025-11-21T04:40:00.000000Z",
        "2025-11-21T04:40:00.001500Z",
    )
    assert (line["ChargeCategory"], line["ResourceId"]) == ("Usage", "openai/gpt-4o")
    assert (line["BilledCost"], line["BillingCurrency"]) == ("0.000000000003", "USD")
    assert (line["ConsumedQuantity"], line["ConsumedUnit"]) == ("15", "Tokens")
    assert (line["final"], line["stream"]) == ("true", "false")


def test_what_is_not_known_is_empty() -> None:
    (line,) = exported(attempt(outcome="refused", position=-1))
    assert line["ResourceId"] == line["BilledCost"] == ""
    assert line["ConsumedQuantity"] == line["ConsumedUnit"] == ""


def test_a_collapsed_row_lasts_as_long_as_what_it_stands_for() -> None:
    (line,) = exported(
        msgspec.structs.replace(PRICED, weight=3, started_at_us=PRICED.started_at_us + 7)
    )
    assert line["ChargePeriodEnd"] == "2025-11-21T04:41:00.000000Z"


@given(st.lists(st.integers(-(10**18), 10**18), min_size=1, max_size=5))
def test_amounts_add_up_with_corrections_among_them(amounts: list[int]) -> None:
    lines = exported(
        *(attempt(outcome="adjusted", cost=Cost(source="declared", total_pico=p)) for p in amounts)
    )
    assert sum(Decimal(line["BilledCost"]) for line in lines) == Decimal(sum(amounts)).scaleb(-12)
    assert {line["ChargeCategory"] for line in lines} == {"Adjustment"}


@pytest.mark.parametrize("text", ["=HYPERLINK(1)", "+1", "-cmd", "-1+1", "-", "@SUM(A1)", "\tx"])
def test_text_is_no_formula(text: str) -> None:
    (line,) = exported(attempt(user=text))
    assert line["user"] == f"'{text}"
