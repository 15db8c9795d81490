"""What a row costs, worked out once more from its counts and the price, in decimals.

Knows nothing of this project, so that a fault in its arithmetic shows up in the vectors.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from conformance_exchange import GIVEN

FIELDS = ("cost_source", "cost_usd", "input_cost_usd", "output_cost_usd", "estimate_usd")

_MILLION = Decimal(1_000_000)
_ORDINARY = ("", "default", "standard", "on_demand", "auto")
_CACHED = ("cache_read", "cache_write", "cache_write_1h")
_BYTES_PER_TOKEN = 4


def money(row: dict[str, Any], *, priced: bool = True) -> dict[str, str]:
    """Return the fields of a row that hold money, by its counts and the price of the vectors."""
    if row.get("cost_source") == "provider":  # told in the answer, not worked out
        return {name: row[name] for name in FIELDS if name in row}
    counts = dict(row)
    if "estimated_from" in row:
        counts.setdefault("input_tokens", _tokens(row["estimated_from"]["request_bytes"]))
        said = _tokens(row["estimated_from"]["answer_bytes"])
        counts["output_tokens"] = max(row.get("output_tokens", 0), said)
    elif row["usage_source"] != "reported":
        return {}
    used = counts["input_tokens"] or counts["output_tokens"]
    if used and not priced:
        return {}
    served = {tier["tier"]: tier for tier in GIVEN["price"]["service_tiers"]}
    tier = row.get("service_tier", "")
    before, after = _parts(counts, served.get(tier, GIVEN["price"]))
    if "estimated_from" in row or (used and tier not in _ORDINARY and tier not in served):
        return {"cost_source": "declared", "estimate_usd": _text(before + after)}
    amounts = zip(FIELDS[1:4], (before + after, before, after), strict=True)
    return {"cost_source": "declared"} | {name: _text(amount) for name, amount in amounts}


def _parts(counts: dict[str, Any], rates: dict[str, str]) -> tuple[Decimal, Decimal]:
    """Return USD for the input and for the output."""
    parts = {name: counts.get(f"{name}_tokens", 0) for name in _CACHED}
    parts["input"] = counts["input_tokens"] - sum(parts.values())
    before = sum((Decimal(rates[name]) * count for name, count in parts.items()), Decimal(0))
    return before / _MILLION, Decimal(rates["output"]) * counts["output_tokens"] / _MILLION


def _tokens(size: int) -> int:
    return (size + _BYTES_PER_TOKEN - 1) // _BYTES_PER_TOKEN


def _text(amount: Decimal) -> str:
    return f"{amount.normalize():f}"
