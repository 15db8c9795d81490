"""What OpenRouter and DeepSeek say of a key besides that it is good: whether there is credit."""

from __future__ import annotations

from typing import Any

from modelops.probes.report import ProbeError


def left(body: Any) -> str:
    """Return what is left on a key, '' when the answer does not say; ProbeError when nothing is."""
    if not isinstance(body, dict):
        return ""
    if "balance_infos" in body:
        return _deepseek(body)
    data = body.get("data")
    return _openrouter(data) if isinstance(data, dict) else ""


def _deepseek(body: dict[str, Any]) -> str:
    """Read `/user/balance`: {is_available, balance_infos: [{currency, total_balance}]}."""
    infos = body["balance_infos"] if isinstance(body["balance_infos"], list) else []
    amounts = [
        f"{info.get('total_balance')} {info.get('currency')}"
        for info in infos
        if isinstance(info, dict)
    ]
    if body.get("is_available") is False:
        raise ProbeError("no_credit", ", ".join(amounts))
    return f"balance {', '.join(amounts)}" if amounts else ""


def _openrouter(data: dict[str, Any]) -> str:
    """Read `/key`: limit_remaining is USD, null for a key without a limit."""
    remaining = data.get("limit_remaining")
    if not isinstance(remaining, int | float) or isinstance(remaining, bool):
        return "no limit on the key"
    if remaining <= 0:
        raise ProbeError("no_credit", "the key's limit is used up")
    return f"{remaining:.2f} USD left of the key's limit"
