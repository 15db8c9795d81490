"""A rough price tier per model, for display only."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from modelops.resources.resolved import Price

CostTier = Literal["free", "low", "medium", "high"]

_LOW, _MEDIUM = Decimal(1), Decimal(5)
"""USD per million tokens below which a model is low or medium: a small model of 2026 costs 0.3, a
large one from 6."""


def cost_tier(price: Price | None) -> CostTier | None:
    """Return the tier of a price, three tokens in for one out; None where nobody knows the price.

    Three to one is how price comparisons commonly blend input and output.
    """
    if price is None:
        return None
    blended = (3 * price.input + price.output) / 4
    if not blended:
        return "free"
    return "low" if blended < _LOW else "medium" if blended < _MEDIUM else "high"
