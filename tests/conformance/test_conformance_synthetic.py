"""The rows of what no recording shows: cuts, service tiers, prices, absurd counts."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from modelops.metering.attempt import Usage
from modelops.metering.cost import cost, estimate
from modelops.metering.usage import UsageReader
from modelops.resources.resolved import Price, ServiceTier

VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "synthetic.json").read_text(encoding="utf-8")
)


def price_of(written: dict[str, Any] | None) -> Price | None:
    if written is None:
        return None
    rates: dict[str, Any] = {
        name: Decimal(rate) for name, rate in written.items() if name != "service_tiers"
    }
    tiers = tuple(
        ServiceTier(
            tier=each["tier"],
            **{name: Decimal(rate) for name, rate in each.items() if name != "tier"},
        )
        for each in written["service_tiers"]
    )
    return Price(**rates, tiers=(), service_tiers=tiers)


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["name"] for vector in VECTORS])
def test_a_vector_makes_its_row(vector: dict[str, Any]) -> None:
    reader = UsageReader(vector["protocol"])
    for event in vector["events"]:
        reader.feed(event)
    cut, price = vector.get("cut"), price_of(vector.get("price"))
    usage = reader.usage(complete=cut is None)
    found = (
        cost(usage, price, "declared", service_tier=reader.service_tier)
        if cut is None
        else estimate(usage, price, "declared", **cut)
    )
    counts = (name for name in Usage.__struct_fields__ if name not in ("source", *_PROVIDERS))
    row = {
        "source": usage.source,
        **{name: getattr(usage, name) for name in counts},
        "service_tier": reader.service_tier or None,
        "cost_pico": found.total_pico,
        "input_cost_pico": found.input_pico,
        "estimate_pico": found.estimate_pico,
    }
    assert {name: value for name, value in row.items() if value is not None} == vector["row"]


_PROVIDERS = ("provider_cost_pico", "provider_input_pico")
"""They are in the row as its cost."""
