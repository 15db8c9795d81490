"""Corrections: what is added to what was booked gives today's price, once."""

from __future__ import annotations

from decimal import Decimal

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from ledger_samples import attempt
from resource_samples import model, price

from modelops.ledger.recost import adjustment
from modelops.metering.attempt import Attempt, Cost, Usage
from modelops.metering.cost import cost
from modelops.resources.resolved import Model, Price, Tier
from modelops.store.books import Adjustment


def models(rate: Price | None) -> dict[str, Model]:
    priced = model("openai/gpt-4o", price=rate)
    return {priced.name: priced}


def booked(rate: Price | None, tokens: int = 10) -> Attempt:
    usage = Usage(source="reported", input_tokens=tokens, output_tokens=3)
    return attempt(
        provider="openai", model="gpt-4o", usage=usage, cost=cost(usage, rate, "declared")
    )


@given(st.integers(0, 9), st.lists(st.integers(0, 9), max_size=4))
def test_adjustments_add_up_to_the_last_price(first: int, later: list[int]) -> None:
    row = booked(price(first))
    earlier: Adjustment | None = None
    total, ids = row.cost.total_pico or 0, set()
    for rate in later:
        found = adjustment(row, models(price(rate)), earlier)
        if found is not None:
            assert (found.outcome, found.error_class, found.final) == ("adjusted", "price", False)
            ids.add(found.attempt_id)
            done = earlier or Adjustment(0, 0)
            earlier = Adjustment(
                done.total_pico + (found.cost.total_pico or 0),
                done.input_pico + (found.cost.input_pico or 0),
            )
            total += found.cost.total_pico or 0
        assert total == 13 * rate * 1_000_000
        assert adjustment(row, models(price(rate)), earlier) is None


def test_what_had_no_price_is_priced_even_at_0() -> None:
    found = adjustment(booked(None), models(price(0)), None)
    assert found is not None
    assert (found.error_class, found.cost.total_pico) == ("unpriced", 0)
    assert adjustment(booked(None), models(price(0)), Adjustment(0, 0)) is None


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


def test_a_collapsed_row_is_corrected_unless_the_price_goes_by_the_size_of_each_request() -> None:
    row = msgspec.structs.replace(booked(price(1)), weight=3)
    found = adjustment(row, models(price(2)), None)
    assert found is not None
    assert found.cost.total_pico == 13_000_000
    rate = Decimal(4)
    tier = Tier(
        above_input_tokens=5,
        input=rate,
        output=rate,
        cache_read=rate,
        cache_write=rate,
        cache_write_1h=rate,
    )
    tiered = msgspec.structs.replace(price(2), tiers=(tier,))
    assert adjustment(row, models(tiered), None) is None
    assert adjustment(booked(price(1)), models(tiered), None) is not None
