"""How dear a model is at a glance."""

from __future__ import annotations

from decimal import Decimal

import pytest

from modelops.metering.cost_tier import cost_tier
from modelops.resources.resolved import Price


def price(rate_in: str, rate_out: str) -> Price:
    zero = Decimal(0)
    return Price(
        input=Decimal(rate_in),
        output=Decimal(rate_out),
        cache_read=zero,
        cache_write=zero,
        cache_write_1h=zero,
        tiers=(),
    )


@pytest.mark.parametrize(
    ("rate_in", "rate_out", "tier"),
    [
        ("0", "0", "free"),
        ("0.15", "0.6", "low"),
        ("1", "1", "medium"),
        ("2.5", "10", "medium"),
        ("3", "15", "high"),
        ("0", "4", "medium"),
    ],
)
def test_three_tokens_in_for_one_out(rate_in: str, rate_out: str, tier: str) -> None:
    assert cost_tier(price(rate_in, rate_out)) == tier


def test_an_unknown_price_has_no_tier() -> None:
    assert cost_tier(None) is None
