"""What follows from a model's name alone: no list of models says which parameters one refuses.

The names are those at the provider, which may stand behind a vendor's (`anthropic/claude-opus-4.8`,
`us.anthropic.claude-opus-4-7-v1:0`).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

ADAPTIVE = (4, 6)
"""Claude's version from which on it can decide itself how much to think
(https://platform.claude.com/docs/en/build-with-claude/adaptive-thinking)."""

ADAPTIVE_ONLY = (4, 7)
"""The version from which on a budget for thinking, and sampling, are answered 400
(https://platform.claude.com/docs/en/about-claude/models/migration-guide)."""

SYSTEM_ANYWHERE = (4, 8)
"""The version from which on a system message may follow a turn of the user
(https://platform.claude.com/docs/en/build-with-claude/mid-conversation-system-messages)."""

_NEWEST = (99, 0)
_CLAUDE = re.compile(r"claude-(?:[a-z]+-)?(\d{1,2})(?:[-.](\d{1,2}))?(?!\d)")
_UNNUMBERED = re.compile(r"claude-(mythos|fable|[a-z]+-latest)")
_DEFAULTS_ONLY = re.compile(r"(?:^|/)(?:o\d|gpt-5(?!\.\d|.*chat))")
"""OpenAI's o series and GPT 5: later ones sample where they are asked not to reason
(https://platform.openai.com/docs/guides/latest-model, "parameter compatibility")."""

_GPT = re.compile(r"(?:^|/)gpt-(\d+)(?:\.(\d+))?(?!.*(?:codex|pro|chat|oss))")
_O = re.compile(r"(?:^|/)o\d(?!.*pro)")


@lru_cache(maxsize=1024)
def claude_version(model: str) -> tuple[int, int] | None:
    """Return the version in the name of a Claude model, None for any other model."""
    if found := _CLAUDE.search(model):
        return int(found[1]), int(found[2] or 0)
    return _NEWEST if _UNNUMBERED.search(model) else None


def samples(model: str) -> bool:
    """Whether a model takes temperature and its like at all, as far as its name says."""
    version = claude_version(model)
    if version is not None:
        return version < ADAPTIVE_ONLY
    return _DEFAULTS_ONLY.search(model) is None


def least_effort(model: str) -> Literal["none", "minimal", "low"] | None:
    """Return the least effort an OpenAI model knows, None for models of which nothing is known.

    `none` came with GPT 5.1, `minimal` with GPT 5
    (https://platform.openai.com/docs/api-reference/chat/create#chat_create-reasoning_effort).
    """
    if found := _GPT.search(model):
        version = int(found[1]), int(found[2] or 0)
        return "none" if version >= (5, 1) else "minimal" if version >= (5, 0) else None
    return "low" if _O.search(model) else None
