"""How a Claude model is asked to think, which differs from version to version.

Up to 4.5 a request names a budget in tokens, below its limit; from 4.6 on the model decides, guided
by an effort (https://platform.claude.com/docs/en/build-with-claude/adaptive-thinking). Two kinds of
requests are answered 400 when they name a budget, so they go without: where a tool must be called,
and where a tool loop goes on that began without a thought of Claude's own (same place,
thinking-tool-workflows).
"""

from __future__ import annotations

from typing import Any

import msgspec

from modelops.gateway.protocols import conversation as canonical
from modelops.gateway.protocols.adapter import CannotCarryError
from modelops.gateway.protocols.conversation import Conversation
from modelops.gateway.protocols.limits import BUDGET_MIN, most_budget
from modelops.gateway.protocols.models import (
    ADAPTIVE,
    ADAPTIVE_ONLY,
    always_thinks,
    claude_version,
)
from modelops.gateway.protocols.parameters import reasoning_of
from modelops.gateway.table import Target

MAX_TOKENS = 4096
"""The API wants a limit. For requests without one, where the model's own is not known."""

BUDGETS: dict[canonical.Effort, int] = {
    "minimal": BUDGET_MIN,
    "low": 2048,
    "medium": 8192,
    "high": 16_384,
    "xhigh": 32_768,
    "max": 32_768,
}
"""What OpenAI's efforts stand for, in tokens of reasoning."""

_FORCED = ("required", "tool")
"""Choices of a tool that leave no room for a thought before the call."""


class Asked(msgspec.Struct, frozen=True):
    """The fields of a request that say how long and how hard to think."""

    max_tokens: int
    thinking: dict[str, Any] | None = None
    effort: str | None = None

    @property
    def thinks(self) -> bool:
        """Whether it asks for reasoning."""
        return self.thinking is not None and self.thinking["type"] != "disabled"


def asked(conversation: Conversation, target: Target) -> Asked:
    """Return how to ask for what a conversation wants; CannotCarryError where there is no way."""
    limit = conversation.max_tokens or target.max_output_tokens or MAX_TOKENS
    version = claude_version(target.upstream_model)
    if conversation.thinking is not None and conversation.thinking.effort == "none":
        return Asked(limit, _off(target, version))
    thinking = reasoning_of(conversation.thinking, target)
    if thinking is None:
        return Asked(limit)
    forced = conversation.tool_choice is not None and conversation.tool_choice.mode in _FORCED
    if version is not None and version >= ADAPTIVE:
        effort = _effort(thinking, version)
        return Asked(limit, None if forced else {"type": "adaptive"}, effort)
    if forced or _goes_on_without_a_thought(conversation):
        return Asked(limit)
    return _with_budget(conversation, thinking, target)


def _off(target: Target, version: tuple[int, int] | None) -> dict[str, Any] | None:
    """Return how a model that thinks unasked is kept from it; the others need no word."""
    if version is None or version < (5, 0):
        return None
    if always_thinks(target.upstream_model):
        raise CannotCarryError("no reasoning: the model always does some")
    return {"type": "disabled"}


def _effort(thinking: canonical.Thinking, version: tuple[int, int]) -> str | None:
    """Return the nearest effort the version knows, none where a budget was named."""
    effort = thinking.effort
    if effort == "minimal":
        return "low"
    return "high" if effort == "xhigh" and version < ADAPTIVE_ONLY else effort


def _with_budget(conversation: Conversation, thinking: canonical.Thinking, target: Target) -> Asked:
    """Return a budget within the limit, which as the caller means it covers the reasoning too."""
    budget = max(thinking.budget or BUDGETS[thinking.effort or "medium"], BUDGET_MIN)
    limit = conversation.max_tokens or target.max_output_tokens
    if limit is None:
        return Asked(budget + MAX_TOKENS, {"type": "enabled", "budget_tokens": budget})
    if limit <= BUDGET_MIN:
        raise CannotCarryError(f"reasoning within {limit} tokens: it takes over {BUDGET_MIN}")
    budget = min(budget, max(BUDGET_MIN, most_budget(limit)))
    return Asked(limit, {"type": "enabled", "budget_tokens": budget})


def _goes_on_without_a_thought(conversation: Conversation) -> bool:
    """Whether a tool loop goes on whose first turn begins with no thought of Claude's own."""
    first: canonical.Part | None = None
    for turn in reversed(conversation.messages):
        if turn.role == "assistant":
            first = next((part for part in turn.parts if not _is_lost(part)), first)
        elif not any(isinstance(part, canonical.ToolResult) for part in turn.parts):
            break
    return first is not None and not is_own_thought(first)


def _is_lost(part: canonical.Part) -> bool:
    """Whether a thought does not go to Anthropic, since it is another's."""
    return isinstance(part, canonical.Reasoning) and not is_own_thought(part)


def is_own_thought(part: canonical.Part) -> bool:
    """Whether a part is a thought that Anthropic signed; it takes no other."""
    if not isinstance(part, canonical.Reasoning) or part.origin != "anthropic":
        return False
    return bool(part.sealed or part.signature)
