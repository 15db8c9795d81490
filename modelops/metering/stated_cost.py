"""What a provider's own answer says that a call cost; it comes before any price.

xAI and OpenRouter say so beside the counts, which `normalize` reads.
"""

from __future__ import annotations

from decimal import Decimal

from modelops.metering.attempt import COST_MAX_PICO, PICO_PER_USD

PICO_PER_TICK = 100
"""xAI counts in ticks of 1e-10 USD."""


class _Money:
    """Takes amounts of money out of a report and remembers whether one of them was absurd."""

    def __init__(self) -> None:
        self.absurd = False

    def pico(self, value: object, pico_per_unit: int = PICO_PER_USD) -> int | None:
        """Return an amount in pico-USD, None when it is absent or absurd."""
        if value is None or isinstance(value, (dict, bool)):
            return None
        if isinstance(value, (int, float)):
            amount = Decimal(repr(value)) * pico_per_unit
            if amount.is_finite() and 0 <= amount <= COST_MAX_PICO:
                return int(amount.to_integral_value())
        self.absurd = True
        return None


def stated_cost(
    ticks: object, usd: object, details: object, *, byok: bool
) -> tuple[int | None, int | None, bool]:
    """Return what xAI or OpenRouter says the call cost, the input's part, and whether it is odd.

    With a key of the caller's own (`byok`) OpenRouter's `cost` is its fee alone, often 0; the
    provider's bill stands beside it, and without it nobody knows the whole. The split is used only
    where its two parts make up the whole.
    """
    money = _Money()
    cost = money.pico(ticks, PICO_PER_TICK)
    if cost is None:
        cost = money.pico(usd)
    if cost is None:
        return None, None, money.absurd
    parts = details if isinstance(details, dict) else {}
    if byok:
        bill = money.pico(parts.get("upstream_inference_cost"))
        if bill is None:
            return None, None, money.absurd
        cost += bill
    for before, after in (("prompt", "completions"), ("input", "output")):
        cost_of_input = money.pico(parts.get(f"upstream_inference_{before}_cost"))
        cost_of_output = money.pico(parts.get(f"upstream_inference_{after}_cost"))
        if (cost_of_input or 0) + (cost_of_output or 0) == cost:
            return cost, cost_of_input, money.absurd
    return cost, None, money.absurd
