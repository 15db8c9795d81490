"""Costs are exact and never invented."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelops import catalog
from modelops.config.prices import MAX_PRICE, resolve
from modelops.metering.attempt import COST_MAX_PICO, NO_USAGE, NOTHING_USED, Cost, Usage
from modelops.metering.cost import cost, estimate, rates_at
from modelops.metering.counts import MAX_TOKENS
from modelops.resources.resolved import Hours, Price, ServiceTier, Tier


def price(rate: str = "3", output: str = "15", tiers: tuple[Tier, ...] = ()) -> Price:
    return Price(
        input=Decimal(rate),
        output=Decimal(output),
        cache_read=Decimal("0.3"),
        cache_write=Decimal("3.75"),
        cache_write_1h=Decimal(6),
        tiers=tiers,
    )


DEARER = Tier(
    above_input_tokens=200_000,
    input=Decimal(6),
    output=Decimal("22.5"),
    cache_read=Decimal("0.6"),
    cache_write=Decimal("7.5"),
    cache_write_1h=Decimal(12),
)


def test_every_part_has_its_rate() -> None:
    usage = Usage(
        source="reported",
        input_tokens=1_000,
        output_tokens=100,
        cache_read_tokens=500,
        cache_write_tokens=200,
        cache_write_1h_tokens=100,
    )
    found = cost(usage, price(), "declared")
    expected_input = 200 * 3_000_000 + 500 * 300_000 + 200 * 3_750_000 + 100 * 6_000_000
    assert found == Cost(
        source="declared",
        total_pico=expected_input + 100 * 15_000_000,
        input_pico=expected_input,
        output_pico=100 * 15_000_000,
    )


def test_a_tier_is_a_cliff_for_the_whole_request() -> None:
    tiered = price(tiers=(DEARER,))
    at = Usage(source="reported", input_tokens=200_000, output_tokens=1)
    above = Usage(source="reported", input_tokens=200_001, output_tokens=1)
    assert cost(at, tiered, "catalog").input_pico == 200_000 * 3_000_000
    assert cost(above, tiered, "catalog").input_pico == 200_001 * 6_000_000
    assert cost(above, tiered, "catalog").output_pico == 22_500_000


def test_what_the_provider_says_wins_over_the_price() -> None:
    usage = Usage(
        source="reported",
        input_tokens=10,
        output_tokens=10,
        provider_cost_pico=500,
        provider_input_pico=200,
    )
    assert cost(usage, price(), "declared") == Cost(
        source="provider", total_pico=500, input_pico=200, output_pico=300
    )


def test_a_sum_the_provider_does_not_split_stays_whole() -> None:
    usage = Usage(source="reported", input_tokens=10, output_tokens=10, provider_cost_pico=500)
    assert cost(usage, price(), "declared") == Cost(source="provider", total_pico=500)


def test_what_is_not_known_costs_none() -> None:
    used = Usage(source="reported", input_tokens=10, output_tokens=1)
    assert cost(used, None, "") == Cost()
    assert cost(NO_USAGE, price(), "declared") == Cost()
    assert cost(Usage(source="partial", input_tokens=10), price(), "declared") == Cost()
    assert cost(Usage(source="reported", input_tokens=10), price(), "declared") == Cost()
    flagged = Usage(source="invalid", input_tokens=1, output_tokens=1, provider_cost_pico=7)
    assert cost(flagged, price(), "declared") == Cost()


def test_nothing_used_costs_nothing_whatever_the_price() -> None:
    assert cost(NOTHING_USED, None, "").total_pico == 0


def test_an_estimate_uses_what_was_reported_and_guesses_the_rest() -> None:
    seen = Usage(source="partial", input_tokens=1_000, cache_read_tokens=1_000, output_tokens=1)
    found = estimate(seen, price(), "declared", request_bytes=9_999, answer_bytes=41)
    assert found == Cost(source="declared", estimate_pico=1_000 * 300_000 + 11 * 15_000_000)
    blind = estimate(NO_USAGE, price(), "declared", request_bytes=400, answer_bytes=0)
    assert blind.estimate_pico == 100 * 3_000_000
    assert estimate(seen, None, "", request_bytes=1, answer_bytes=1) == Cost()


def test_a_guessed_input_smaller_than_what_was_cached_takes_nothing_off() -> None:
    seen = Usage(source="partial", cache_read_tokens=1_000)
    found = estimate(seen, price(), "declared", request_bytes=4, answer_bytes=0)
    assert found.estimate_pico == 1_000 * 300_000


@given(
    st.integers(0, MAX_TOKENS - 1),
    st.integers(0, MAX_TOKENS - 1),
    st.decimals(min_value=0, max_value=MAX_PRICE, places=6),
)
def test_no_row_costs_more_than_its_column_holds(
    input_tokens: int, output_tokens: int, rate: Decimal
) -> None:
    used = Usage(source="reported", input_tokens=input_tokens, output_tokens=output_tokens)
    dear = price(str(rate), str(rate))
    exact = int((input_tokens + output_tokens) * rate * 10**6)
    expected = exact if exact <= COST_MAX_PICO else None
    assert cost(used, dear, "declared").total_pico == expected
    cut = Usage(source="partial", input_tokens=input_tokens, output_tokens=output_tokens)
    guessed = estimate(cut, dear, "declared", request_bytes=0, answer_bytes=0)
    assert guessed.estimate_pico == expected


_RATE = st.decimals(min_value=0, max_value=2_000, places=6)
_TOKENS = st.integers(0, 10_000_000)


@given(_RATE, _RATE, _RATE, _TOKENS, _TOKENS, _TOKENS)
def test_costs_are_exact(
    rate: Decimal, output: Decimal, cached: Decimal, fresh: int, read: int, out: int
) -> None:
    usage = Usage(
        source="reported",
        input_tokens=fresh + read,
        output_tokens=out,
        cache_read_tokens=read,
    )
    rates = Price(
        input=rate,
        output=output,
        cache_read=cached,
        cache_write=rate,
        cache_write_1h=rate,
        tiers=(),
    )
    found = cost(usage, rates, "declared")
    exact = (Fraction(rate) * fresh + Fraction(cached) * read + Fraction(output) * out) * Fraction(
        10**6
    )
    assert found.total_pico == exact
    assert found.input_pico is not None
    assert found.output_pico is not None
    assert found.input_pico + found.output_pico == found.total_pico


@given(_TOKENS, _TOKENS)
def test_more_input_never_costs_less(first: int, more: int) -> None:
    tiered = price(tiers=(DEARER,))
    small = Usage(source="reported", input_tokens=first, output_tokens=1)
    large = Usage(source="reported", input_tokens=first + more, output_tokens=1)
    small_cost, large_cost = cost(small, tiered, ""), cost(large, tiered, "")
    assert small_cost.total_pico is not None
    assert large_cost.total_pico is not None
    assert small_cost.total_pico <= large_cost.total_pico


def test_the_highest_tier_that_is_passed_holds() -> None:
    first = DEARER
    second = Tier(
        above_input_tokens=400_000,
        input=Decimal(9),
        output=Decimal(9),
        cache_read=Decimal(9),
        cache_write=Decimal(9),
        cache_write_1h=Decimal(9),
    )
    tiered = price(tiers=(first, second))
    assert rates_at(tiered, 200_000) is tiered
    assert rates_at(tiered, 400_000) is first
    assert rates_at(tiered, 400_001) is second


def at(time_of_day: str) -> int:
    moment = datetime.fromisoformat(f"2026-11-21T{time_of_day}").replace(tzinfo=UTC)
    return int(moment.timestamp()) * 1_000_000


def flat(rate: int) -> dict[str, Any]:
    names = ("input", "output", "cache_read", "cache_write", "cache_write_1h")
    return dict.fromkeys(names, Decimal(rate))


FLEXIBLE = Price(
    **flat(10),
    tiers=(Tier(above_input_tokens=1_000, **flat(20)),),
    service_tiers=(
        ServiceTier(tier="flex", **flat(5), tiers=(Tier(above_input_tokens=2_000, **flat(7)),)),
        ServiceTier(tier="priority", **flat(40)),
    ),
    hours=(
        Hours(
            from_="16:30",
            to="00:30",
            **flat(3),
            tiers=(Tier(above_input_tokens=1_000, **flat(6)),),
        ),
        Hours(from_="02:00", to="03:00", **flat(4)),
    ),
)


@pytest.mark.parametrize(
    ("tokens", "tier", "time_of_day", "rate"),
    [
        (1, "", "12:00:00", 10),
        (1_001, "", "12:00:00", 20),
        (1_001, "flex", "17:00:00", 5),
        (2_001, "flex", "17:00:00", 7),
        (1, "priority", "12:00:00", 40),
        (1, "default", "12:00:00", 10),
        (1, "", "16:29:59", 10),
        (1, "", "16:30:00", 3),
        (1_000, "", "23:59:59", 3),
        (1_001, "", "23:59:59", 6),
        (1, "", "00:00:00", 3),
        (1, "", "00:29:59", 3),
        (1, "", "00:30:00", 10),
        (1, "", "02:59:59", 4),
        (1, "", "03:00:00", 10),
    ],
)
def test_a_service_tier_wins_over_the_hour_and_both_have_their_sizes(
    tokens: int, tier: str, time_of_day: str, rate: int
) -> None:
    usage = Usage(source="reported", input_tokens=tokens, output_tokens=0)
    found = cost(usage, FLEXIBLE, "declared", service_tier=tier, started_at_us=at(time_of_day))
    assert found.total_pico == tokens * rate * 1_000_000
    guessed = estimate(
        usage,
        FLEXIBLE,
        "declared",
        request_bytes=0,
        answer_bytes=0,
        service_tier=tier,
        started_at_us=at(time_of_day),
    )
    assert guessed.estimate_pico == found.total_pico


@pytest.mark.parametrize(
    ("moment", "rate"),
    [
        ("2026-11-20T01:00", 2),
        ("2026-11-20T09:59", 2),
        ("2026-11-20T04:00", 1),
        ("2026-11-20T10:00", 1),
        ("2026-11-21T01:00", 1),
        ("2026-11-22T09:59", 1),
        ("2026-11-23T06:00", 2),
    ],
)
def test_deepseek_costs_twice_as_much_on_weekdays_at_its_peak(moment: str, rate: int) -> None:
    found = catalog.find("deepseek", "deepseek-flash")
    assert found is not None
    assert found.price is not None
    resolved, _ = resolve(found.price)
    started = int(datetime.fromisoformat(moment).replace(tzinfo=UTC).timestamp()) * 1_000_000
    usage = Usage(
        source="reported", input_tokens=3_000, output_tokens=1_000, cache_read_tokens=1_000
    )
    total = cost(usage, resolved, "catalog", started_at_us=started).total_pico
    assert total == rate * (2_000 * 150_000 + 1_000 * 3_000 + 1_000 * 600_000)


@pytest.mark.parametrize(("name", "us"), [("claude-opus-5", 5_500_000), ("claude-opus-4-5", None)])
def test_a_claude_in_the_us_alone_costs_a_tenth_more(name: str, us: int | None) -> None:
    found = catalog.find("anthropic", name)
    assert found is not None
    assert found.price is not None
    resolved, _ = resolve(found.price)
    usage = Usage(source="reported", input_tokens=7, output_tokens=0)
    priced = cost(usage, resolved, "catalog", service_tier="us")
    assert priced.total_pico == (None if us is None else 7 * us)
    assert cost(usage, resolved, "catalog", service_tier="standard").total_pico == 7 * 5_000_000
    assert cost(usage, resolved, "catalog", service_tier="fast-us").total_pico is None


def test_all_output_of_a_qwen_that_thinks_costs_what_thinking_does() -> None:
    found = catalog.find("qwen", "qwen-plus")
    assert found is not None
    assert found.price is not None
    resolved, _ = resolve(found.price)
    usage = Usage(source="reported", input_tokens=0, output_tokens=1_000)
    assert cost(usage, resolved, "catalog").total_pico == 1_000 * 1_200_000
    thought = Usage(source="reported", input_tokens=0, output_tokens=1_000, reasoning_tokens=900)
    assert cost(thought, resolved, "catalog").total_pico == 1_000 * 4_000_000
    guessed = estimate(thought, resolved, "catalog", request_bytes=0, answer_bytes=0)
    assert guessed.estimate_pico == 1_000 * 4_000_000


NOON = at("12:00:00")


@pytest.mark.parametrize("tier", ["default", "standard", "on_demand", "auto", "unspecified", ""])
def test_ordinary_service_costs_the_price(tier: str) -> None:
    usage = Usage(source="reported", input_tokens=3, output_tokens=4)
    found = cost(usage, FLEXIBLE, "catalog", service_tier=tier, started_at_us=NOON)
    assert found.total_pico == 70_000_000


def test_a_service_tier_without_a_price_is_unpriced_with_an_estimate_beside() -> None:
    usage = Usage(source="reported", input_tokens=3, output_tokens=4)
    for tier in ("batch", "scale", "Priority"):
        found = cost(usage, FLEXIBLE, "catalog", service_tier=tier, started_at_us=NOON)
        assert found == Cost(source="catalog", estimate_pico=70_000_000)
    nothing = Usage(source="reported", input_tokens=0, output_tokens=0)
    assert cost(nothing, FLEXIBLE, "catalog", service_tier="batch").total_pico == 0
