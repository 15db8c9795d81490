"""Corrections: what is added to what was booked gives today's price, once."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from unittest.mock import Mock

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledger_samples import attempt
from resource_samples import model, price

from modelops.ledger.collapse import STAGES
from modelops.ledger.recost import adjustment, undecided
from modelops.metering.attempt import Attempt, Cost, Usage
from modelops.metering.cost import cost, rates_at
from modelops.resources.resolved import Hours, Model, Price, Tier
from modelops.resources.times import MINUTE_US
from modelops.store.books import Adjustment


def models(rate: Price | None) -> dict[str, Model]:
    priced = model("openai/gpt-4o", price=rate)
    return {priced.name: priced}


def booked(rate: Price | None, tokens: int = 10) -> Attempt:
    usage = Usage(source="reported", input_tokens=tokens, output_tokens=3)
    return attempt(
        provider="openai", model="gpt-4o", usage=usage, cost=cost(usage, rate, "declared")
    )


@given(st.integers(0, 2), st.lists(st.integers(0, 2), max_size=6))
def test_adjustments_add_up_to_the_last_price(first: int, later: list[int]) -> None:
    row = booked(price(first))
    earlier: Adjustment | None = None
    total, ids = row.cost.total_pico or 0, set()
    for rate in later:
        found = adjustment(row, models(price(rate)), earlier)
        if found is not None:
            assert (found.outcome, found.error_class, found.final) == ("adjusted", "price", False)
            assert found.attempt_id not in ids
            ids.add(found.attempt_id)
            done = earlier or Adjustment(0, 0, 0)
            earlier = Adjustment(
                done.total_pico + (found.cost.total_pico or 0),
                done.input_pico + (found.cost.input_pico or 0),
                done.rows + 1,
            )
            total += found.cost.total_pico or 0
        assert total == 13 * rate * 1_000_000
        assert adjustment(row, models(price(rate)), earlier) is None


def test_what_had_no_price_is_priced_even_at_0() -> None:
    found = adjustment(booked(None), models(price(0)), None)
    assert found is not None
    assert (found.error_class, found.cost.total_pico) == ("unpriced", 0)
    assert adjustment(booked(None), models(price(0)), Adjustment(0, 0, 1)) is None


def test_the_same_correction_is_the_same_row() -> None:
    row = booked(price(1))
    assert adjustment(row, models(price(2)), None) == adjustment(row, models(price(2)), None)


def test_what_the_provider_said_and_what_nobody_knows_is_not_corrected() -> None:
    said = attempt(
        provider="openai",
        model="gpt-4o",
        usage=Usage(source="reported", input_tokens=1, output_tokens=1),
        cost=Cost(source="provider", total_pico=7),
    )
    unmetered = attempt(provider="openai", model="gpt-4o")
    assert adjustment(said, models(price(9)), None) is None
    assert adjustment(unmetered, models(price(9)), None) is None
    assert adjustment(booked(price(1)), models(None), None) is None
    assert adjustment(booked(price(1)), {}, None) is None


_RATE = Decimal(4)
_RATES: dict[str, Any] = dict.fromkeys(
    ("input", "output", "cache_read", "cache_write", "cache_write_1h"), _RATE
)


def collapsed(stage: int) -> Attempt:
    """Return a row for three attempts that began at 3:07 UTC, of 10 input tokens in all."""
    return msgspec.structs.replace(
        booked(price(1)), weight=3, started_at_us=187 * MINUTE_US, message=STAGES[stage].message
    )


def test_a_collapsed_row_is_corrected_where_each_of_its_requests_has_the_same_price() -> None:
    found = adjustment(collapsed(3), models(price(2)), None)
    assert found is not None
    assert (found.cost.total_pico, found.weight) == (13_000_000, 3)


@pytest.mark.parametrize(("above", "certain"), [(9, False), (10, True)])
def test_whether_a_row_that_is_as_large_as_a_tier_reaches_it_is_not_known(
    above: int, certain: bool
) -> None:
    tiers = (Tier(above_input_tokens=above, **_RATES),)
    priced = models(msgspec.structs.replace(price(2), tiers=tiers))
    assert undecided(collapsed(0), priced) is not certain
    assert not undecided(booked(price(1)), priced)


@pytest.mark.parametrize(
    ("stage", "hours", "certain"),
    [
        (0, ("03:00", "03:10"), True),
        (1, ("03:00", "03:10"), True),
        (2, ("03:00", "03:10"), False),
        (2, ("03:15", "09:00"), True),
        (2, ("03:00", "03:15"), True),
        (3, ("03:15", "09:00"), False),
    ],
)
def test_an_hour_that_was_not_kept_leaves_a_price_by_hours_open(
    stage: int, hours: tuple[str, str], certain: bool
) -> None:
    by_hour = (Hours(from_=hours[0], to=hours[1], **_RATES),)
    priced = models(msgspec.structs.replace(price(2), hours=by_hour))
    assert undecided(collapsed(stage), priced) is not certain


def test_a_price_without_hours_is_not_asked_for_every_minute_of_a_day(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = Mock(wraps=rates_at)
    monkeypatch.setattr("modelops.ledger.recost.rates_at", asked)
    assert not undecided(collapsed(3), models(price(2)))
    assert asked.call_count == 2


def test_which_of_several_requests_reasoned_is_not_known() -> None:
    dearer = models(msgspec.structs.replace(price(1), reasoning_output=Decimal(9)))
    row = collapsed(0)
    reasoned = msgspec.structs.replace(row.usage, reasoning_tokens=1)
    assert undecided(msgspec.structs.replace(row, usage=reasoned), dearer)
    assert not undecided(row, dearer)


def test_what_is_not_corrected_anyway_is_not_called_undecided() -> None:
    tiers = (Tier(above_input_tokens=1, **_RATES),)
    priced = models(msgspec.structs.replace(price(2), tiers=tiers))
    said = msgspec.structs.replace(collapsed(0), cost=Cost(source="provider", total_pico=7))
    assert not undecided(said, priced)
    assert not undecided(collapsed(0), {})
