"""The caller's token limit at a fallback: no higher than what the model there can write.

The limit was chosen for the chain's first target. A provider answers 400 to one above its model's
maximum, which would end the chain; less than it allows is what the caller accepts anyway.
Anthropic's budget for thinking is part of that limit and has to stay below it.
"""

from __future__ import annotations

import copy
from typing import Any

import msgspec

from modelops.gateway.body import Body, Fields
from modelops.gateway.protocols.parameters import number

BUDGET_MIN = 1024
"""Tokens: the least Anthropic's API takes for reasoning."""

CLEAR_THINKING = "clear_thinking_20251015"

_NAMES = ("max_tokens", "max_completion_tokens", "max_output_tokens")
_NUMBER = msgspec.json.Decoder(int)
_MANAGED = msgspec.json.Decoder(dict[str, list[dict[str, Any]]])
_FIELDS = msgspec.json.Decoder(Fields)


def most_budget(limit: int) -> int:
    """Return the most tokens of a limit that go to reasoning: the rest is for the answer."""
    return limit - limit // 4


def within(body: Body, most: int | None) -> Body:
    """Return the body with limits of at most `most` tokens: itself where they are."""
    if most is None:
        return body
    over = {name: raw for name in _NAMES if (raw := body.fields.get(name)) and _over(raw, most)}
    if not over:
        return body
    lower = copy.copy(body)
    lower.fields = body.fields | dict.fromkeys(over, number(most))
    if "thinking" in lower.fields:
        _lower_budget(lower.fields, most_budget(most))
    lower.conversation = None  # the translation reads it anew
    return lower


def _lower_budget(fields: Fields, most: int) -> None:
    """Lower a budget in the field `thinking`, and do without where too little is left."""
    try:
        thinking = _FIELDS.decode(fields["thinking"])
    except msgspec.DecodeError:
        return  # the provider says what is wrong with it
    budget = thinking.get("budget_tokens")
    if budget is None or not _over(budget, most):
        return
    if most < BUDGET_MIN:
        without_thinking(fields)
    else:
        lower = msgspec.json.encode(thinking | {"budget_tokens": number(most)})
        fields["thinking"] = msgspec.Raw(lower)


def without_thinking(fields: Fields) -> None:
    """Take the field `thinking` out, and the clearing of earlier thoughts, which is a 400 alone."""
    del fields["thinking"]
    if "context_management" not in fields:
        return
    try:
        managed = _MANAGED.decode(fields["context_management"])
        edits = [edit for edit in managed["edits"] if edit.get("type") != CLEAR_THINKING]
    except (msgspec.DecodeError, KeyError):
        return  # the provider says what is wrong with it
    if edits:
        managed["edits"] = edits
        fields["context_management"] = msgspec.Raw(msgspec.json.encode(managed))
    else:
        del fields["context_management"]


def _over(raw: msgspec.Raw, most: int) -> bool:
    try:
        return _NUMBER.decode(raw) > most
    except msgspec.DecodeError:
        return False  # the provider says what is wrong with it
