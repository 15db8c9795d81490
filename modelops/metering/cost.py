"""Usage times price: exact, in integer pico-USD.

A price of up to six decimals per million tokens is a whole number of pico-USD per token, so costs
are sums of integers and never meet a float. What is not known stays None.
"""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache

from modelops.metering.attempt import COST_MAX_PICO, Cost, CostSource, Usage
from modelops.resources.resolved import DAYS, ORDINARY_TIERS, Hours, Price, Rates
from modelops.resources.times import DAY_US, MINUTE_US

PICO_PER_TOKEN = 1_000_000
"""Pico-USD per token for one USD per million tokens."""

_MINUTES_A_DAY = 24 * 60

BYTES_PER_TOKEN = 4
"""OpenAI's rule of thumb for English; used only for estimates, which are shown as such."""

_UNKNOWN = Cost()


def cost(
    usage: Usage,
    price: Price | None,
    source: CostSource,
    *,
    service_tier: str = "",
    started_at_us: int = 0,
) -> Cost:
    """Return what an attempt cost: what the provider says, else usage times price.

    `source` names where `price` comes from (`declared` or `catalog`). Usage that is not `reported`
    in full, a price nobody knows, or a sum above COST_MAX_PICO costs None; nothing used costs 0 at
    any price. `service_tier` is what the provider says it served, `started_at_us` Unix time in
    microseconds. A tier that is none of ORDINARY_TIERS and has no rates of its own costs None, with
    the ordinary price as the estimate: flex is half of it and priority twice, so it would be a
    wrong sum.
    """
    if usage.provider_cost_pico is not None and usage.source in ("reported", "partial"):
        return _provider_cost(usage.provider_cost_pico, usage.provider_input_pico)
    input_tokens, output_tokens = usage.input_tokens, usage.output_tokens
    if usage.source != "reported" or input_tokens is None or output_tokens is None:
        return _UNKNOWN
    if input_tokens == output_tokens == 0:
        return Cost(source=source, total_pico=0, input_pico=0, output_pico=0)
    if price is None:
        return _UNKNOWN
    input_pico, output_pico = _parts(
        usage, input_tokens, output_tokens, price, service_tier, started_at_us
    )
    total_pico = input_pico + output_pico
    if total_pico > COST_MAX_PICO:
        return _UNKNOWN
    if service_tier not in ORDINARY_TIERS and not any(
        served.tier == service_tier for served in price.service_tiers
    ):
        return Cost(source=source, estimate_pico=total_pico)
    return Cost(
        source=source, total_pico=total_pico, input_pico=input_pico, output_pico=output_pico
    )


def estimate(
    usage: Usage,
    price: Price | None,
    source: CostSource,
    *,
    request_bytes: int,
    answer_bytes: int,
    service_tier: str = "",
    started_at_us: int = 0,
) -> Cost:
    """Estimate the cost of a call whose usage is unknown or incomplete.

    Counts that were reported are used; the rest is guessed from the size of the request's body and
    of the answer's text so far.
    """
    if price is None:
        return _UNKNOWN
    input_tokens, output_tokens = usage.input_tokens, usage.output_tokens or 0
    if input_tokens is None:
        input_tokens = -(-request_bytes // BYTES_PER_TOKEN)
    if answer_bytes > output_tokens * BYTES_PER_TOKEN:
        output_tokens = -(-answer_bytes // BYTES_PER_TOKEN)
    input_pico, output_pico = _parts(
        usage, input_tokens, output_tokens, price, service_tier, started_at_us
    )
    total = input_pico + output_pico
    return Cost(source=source, estimate_pico=total) if total <= COST_MAX_PICO else _UNKNOWN


def rates_at(
    price: Price, input_tokens: int, service_tier: str = "", started_at_us: int = 0
) -> Rates:
    """Return the rates of a whole request: by its service tier, else its hour, and by its size.

    Tiers by size are cliffs, not brackets.
    """
    rates: Rates = price
    tiers = price.tiers
    for served in price.service_tiers:
        if served.tier == service_tier:
            rates, tiers = served, served.tiers
            break
    else:
        for hours in price.hours:
            if _within(hours, started_at_us):
                rates, tiers = hours, hours.tiers
                break
    for tier in tiers:
        if input_tokens > tier.above_input_tokens:
            rates = tier
    return rates


def _parts(
    usage: Usage,
    input_tokens: int,
    output_tokens: int,
    price: Price,
    service_tier: str,
    started_at_us: int,
) -> tuple[int, int]:
    """Return what input and output cost."""
    flat = _flat(price)
    if flat and not (
        usage.cache_read_tokens or usage.cache_write_tokens or usage.cache_write_1h_tokens
    ):
        return input_tokens * flat[0], output_tokens * flat[1]
    rates = rates_at(price, input_tokens, service_tier, started_at_us)
    output_rate = rates.output
    if usage.reasoning_tokens and rates.reasoning_output is not None:
        output_rate = rates.reasoning_output
    return _input_pico(usage, input_tokens, rates), _pico(output_tokens, output_rate)


@lru_cache(10_000)
def _flat(price: Price) -> tuple[int, int] | None:
    """Return whole pico-USD per token of input and output, None if a price is not that simple."""
    if price.tiers or price.hours or price.service_tiers or price.reasoning_output is not None:
        return None
    each = _pico_per_token(price.input), _pico_per_token(price.output)
    return None if each[0] is None or each[1] is None else (each[0], each[1])


def _within(hours: Hours, unix_us: int) -> bool:
    """Say whether a moment's day and time of day in UTC are among these hours."""
    day = DAYS[(unix_us // DAY_US + DAYS.index("thu")) % len(DAYS)]  # 1970 began on a Thursday
    if hours.days and day not in hours.days:
        return False
    hour, minute = divmod(unix_us // MINUTE_US % _MINUTES_A_DAY, 60)
    now, start, end = f"{hour:02}:{minute:02}", hours.from_, hours.to
    return start <= now < end if start <= end else now >= start or now < end


def _input_pico(usage: Usage, input_tokens: int, rates: Rates) -> int:
    """Price the parts of the input: read from cache, written to it, and the rest."""
    if not (usage.cache_read_tokens or usage.cache_write_tokens or usage.cache_write_1h_tokens):
        return _pico(input_tokens, rates.input)
    cache_read = usage.cache_read_tokens or 0
    cache_write = usage.cache_write_tokens or 0
    cache_write_1h = usage.cache_write_1h_tokens or 0
    fresh = max(0, input_tokens - cache_read - cache_write - cache_write_1h)  # it may be a guess
    return (
        _pico(fresh, rates.input)
        + _pico(cache_read, rates.cache_read)
        + _pico(cache_write, rates.cache_write)
        + _pico(cache_write_1h, rates.cache_write_1h)
    )


def _provider_cost(total: int, input_pico: int | None) -> Cost:
    return Cost(
        source="provider",
        total_pico=total,
        input_pico=input_pico,
        output_pico=None if input_pico is None else total - input_pico,
    )


def _pico(tokens: int, usd_per_million: Decimal) -> int:
    """Return tokens times rate, rounded half to even where a rate has over six decimals."""
    if not tokens:
        return 0
    whole = _pico_per_token(usd_per_million)
    if whole is not None:
        return whole * tokens
    return int((usd_per_million * PICO_PER_TOKEN * tokens).to_integral_value())


@lru_cache(10_000)
def _pico_per_token(usd_per_million: Decimal) -> int | None:
    """Return a rate as an integer, None where it has over six decimals: calls have few rates."""
    pico = usd_per_million * PICO_PER_TOKEN
    return int(pico) if pico == pico.to_integral_value() else None
