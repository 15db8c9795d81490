"""A request that falls back to another generation of Claude: thinking in that one's own words.

It was written for the chain's first target. Up to 4.5 a budget is named, from 4.6 on the model
decides, guided by an effort, and from 4.7 on budgets and sampling are answered 400 (see `models`).
"""

from __future__ import annotations

import copy
from typing import Any

import msgspec

from modelops.gateway.body import Body, Fields
from modelops.gateway.protocols.anthropic.thinking import BUDGETS
from modelops.gateway.protocols.limits import BUDGET_MIN, most_budget, without_thinking
from modelops.gateway.protocols.models import (
    ADAPTIVE,
    ADAPTIVE_ONLY,
    Version,
    claude_version,
    samples,
)
from modelops.gateway.table import Target

_SAMPLING = ("temperature", "top_p", "top_k")
_DIFFERENT = frozenset({"thinking", "output_config", *_SAMPLING})


class _Looked(msgspec.Struct):
    """What is looked at of a request."""

    max_tokens: int = 0
    thinking: dict[str, Any] | None = None
    output_config: dict[str, Any] | None = None
    tool_choice: dict[str, Any] | None = None


def reworded(body: Body, target: Target) -> Body:
    """Return a request of Messages as a target of the same protocol takes it."""
    version = claude_version(target.upstream_model)
    if (
        version is None
        or target.provider.protocol != "anthropic"
        or _DIFFERENT.isdisjoint(body.fields)
    ):
        return body
    try:
        looked = msgspec.json.decode(
            msgspec.json.encode(_only_looked_at(body.fields)), type=_Looked
        )
    except msgspec.DecodeError:
        return body  # the provider says what is wrong with it
    other = copy.copy(body)
    other.fields = dict(body.fields)
    if not samples(target.upstream_model):
        for name in _SAMPLING:
            other.fields.pop(name, None)
    _reword_thinking(other.fields, looked, version, target)
    _reword_effort(other.fields, looked.output_config or {}, version)
    return other


def _only_looked_at(fields: Fields) -> Fields:
    return {name: fields[name] for name in _Looked.__struct_fields__ if name in fields}


def _reword_thinking(fields: Fields, looked: _Looked, version: Version, target: Target) -> None:
    thinking = dict(looked.thinking or {})
    kind = thinking.get("type")
    if kind == "enabled" and version >= ADAPTIVE_ONLY:
        thinking.pop("budget_tokens", None)
        fields["thinking"] = _raw(thinking | {"type": "adaptive"})
    elif kind == "adaptive" and version < ADAPTIVE:
        forced = (looked.tool_choice or {}).get("type") in ("any", "tool")
        cannot = target.capabilities is not None and "reasoning" not in target.capabilities
        if cannot or forced or looked.max_tokens <= BUDGET_MIN:
            without_thinking(fields)
            return
        effort: Any = str((looked.output_config or {}).get("effort"))
        most = max(BUDGET_MIN, most_budget(looked.max_tokens))
        budget = min(BUDGETS.get(effort, BUDGETS["medium"]), most)
        fields["thinking"] = _raw(thinking | {"type": "enabled", "budget_tokens": budget})


def _reword_effort(fields: Fields, config: dict[str, Any], version: Version) -> None:
    if "effort" not in config or version >= ADAPTIVE_ONLY:
        return
    if version < ADAPTIVE:
        config = {name: value for name, value in config.items() if name != "effort"}
    elif config["effort"] == "xhigh":
        config = config | {"effort": "high"}
    if config:
        fields["output_config"] = _raw(config)
    else:
        del fields["output_config"]


def _raw(value: object) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(value))
