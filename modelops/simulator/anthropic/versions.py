"""What Anthropic refuses of some versions of a model only: thinking, sampling, system messages.

Its own pages say so: platform.claude.com/docs, build-with-claude/adaptive-thinking (which models
take a budget), /effort (levels), /thinking-tool-workflows (forced tools, loops), and the migration
guide (sampling); the words are those of its answers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Protocol

from modelops.simulator.wire import RequestError

MIN_BUDGET = 1024
CLEAR_THINKING = "clear_thinking_20251015"
_ADAPTIVE = (4, 6)
_ADAPTIVE_ONLY = (4, 7)
_SYSTEM = (4, 8)
_VERSION = re.compile(r"claude-(?:opus-|sonnet-|haiku-|fable-|mythos-)?(\d)(?:[-.](\d))?(?!\d)")
_DEFAULTS = {"temperature": 1, "top_p": 1, "top_k": None}
_THOUGHTS = {"thinking", "redacted_thinking"}


class Block(Protocol):
    """A block of content."""

    type: str


class Turn(Protocol):
    """A message."""

    role: str

    @property
    def blocks(self) -> Iterable[Block]:
        """Its content."""
        ...


def check(
    model: str,
    thinking: dict[str, Any] | None,
    effort: str | None,
    sampling: dict[str, float | None],
) -> None:
    """Refuse what a model of this version does not take."""
    found = _VERSION.search(model)
    if found is None:
        return
    version = (int(found[1]), int(found[2] or 0))
    kind = (thinking or {}).get("type")
    if kind == "enabled" and version >= _ADAPTIVE_ONLY:
        raise RequestError(
            '"thinking.type.enabled" is not supported for this model. Use "thinking.type.adaptive" '
            'and "output_config.effort" to control thinking behavior.'
        )
    if kind == "adaptive" and version < _ADAPTIVE:
        raise RequestError("adaptive thinking is not supported on this model")
    if kind == "disabled" and ("fable" in model or "mythos" in model):
        raise RequestError('"thinking.type.disabled" is not supported for this model.')
    least = _ADAPTIVE_ONLY if effort == "xhigh" else (4, 5)
    if effort is not None and version < least:
        raise RequestError("This model does not support the effort parameter.")
    for name, value in sampling.items():
        if version >= _ADAPTIVE_ONLY and value not in (None, _DEFAULTS[name]):
            raise RequestError(f"`{name}` is deprecated for this model.")


def check_system(model: str, *, follows_user: bool) -> None:
    """Refuse a system message among the others where the version, or the place, is not for it.

    https://platform.claude.com/docs/en/build-with-claude/mid-conversation-system-messages
    """
    found = _VERSION.search(model)
    if found is not None and (int(found[1]), int(found[2] or 0)) < _SYSTEM:
        raise RequestError("role 'system' is not supported on this model")
    if not follows_user:
        raise RequestError("messages: a `system` message must follow a `user` message")


def check_budget(thinking: dict[str, Any], max_tokens: int | None, turns: list[Any]) -> None:
    """Refuse a budget that is none, or that a tool loop does not go on with."""
    budget = thinking.get("budget_tokens")
    if not isinstance(budget, int) or budget < MIN_BUDGET:
        raise RequestError(
            "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024"
        )
    if max_tokens is not None and max_tokens <= budget:
        raise RequestError("`max_tokens` must be greater than `thinking.budget_tokens`.")
    _check_loop(turns)


def check_edits(managed: dict[str, list[dict[str, Any]]]) -> None:
    """Refuse to clear thoughts where thinking is off."""
    if any(edit.get("type") == CLEAR_THINKING for edit in managed.get("edits") or ()):
        raise RequestError(
            f"`{CLEAR_THINKING}` strategy requires `thinking` to be enabled or adaptive"
        )


def _check_loop(turns: list[Turn]) -> None:
    first: tuple[int, str] | None = None
    for index, turn in reversed(list(enumerate(turns))):
        kinds = [block.type for block in turn.blocks]
        if turn.role == "assistant":
            first = index, kinds[0] if kinds else "text"
        elif "tool_result" not in kinds:
            break
    if first is not None and first[0] < len(turns) - 1 and first[1] not in _THOUGHTS:
        raise RequestError(
            f"messages.{first[0]}.content.0.type: Expected `thinking` or `redacted_thinking`, but "
            f"found `{first[1]}`. When `thinking` is enabled, a final `assistant` message must "
            "start with a thinking block (preceeding the lastmost set of `tool_use` and "
            "`tool_result` blocks). To avoid this requirement, disable `thinking`."
        )
