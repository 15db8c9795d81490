"""What follows from a model's name alone: no list of models says which parameters one refuses.

The names are those at the provider, which may stand behind a vendor's (`anthropic/claude-opus-4.8`,
`us.anthropic.claude-opus-4-7-v1:0`), or be a deployment's own (`GPT-5`, `claude_opus_4_7`,
Azure's `gpt-35-turbo`).
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
_NUMBERS = r"[-_.]?(1\d|\d)(?:[-_.]?(\d{1,2}))?(?!\d)"
"""A version, also without a separator; what is longer than two digits is a date."""

_CLAUDE = re.compile(r"claude(?:[-_.][a-z]+)?" + _NUMBERS)
_UNNUMBERED = re.compile(r"claude[-_.](mythos|fable|[a-z]+[-_.]latest)")
_ALWAYS_THINKS = re.compile(r"claude[-_.](mythos|fable)")
_GPT = re.compile(r"(?:^|[/._-])gpt" + _NUMBERS + "(.*)")
_O = re.compile(r"(?:^|[/.])o[1-9](?!\d)(.*)")

Version = tuple[int, int]


@lru_cache(maxsize=1024)
def claude_version(model: str) -> Version | None:
    """Return the version in the name of a Claude model, None for any other model."""
    if found := _CLAUDE.search(model.lower()):
        return int(found[1]), int(found[2] or 0)
    return _NEWEST if _UNNUMBERED.search(model.lower()) else None


def always_thinks(model: str) -> bool:
    """Whether a Claude model cannot be told not to think."""
    return _ALWAYS_THINKS.search(model.lower()) is not None


@lru_cache(maxsize=1024)
def samples(model: str) -> bool:
    """Whether a model takes temperature and its like at all, as far as its name says.

    OpenAI's o series and GPT 5 do not; later ones sample where they are asked not to reason
    (https://platform.openai.com/docs/guides/latest-model, "parameter compatibility").
    """
    version = claude_version(model)
    if version is not None:
        return version < ADAPTIVE_ONLY
    version, rest = _gpt(model)
    return not _O.search(model.lower()) and (version != (5, 0) or "chat" in rest)


def least_effort(model: str) -> Literal["none", "minimal", "low"] | None:
    """Return the least effort an OpenAI model knows, None for models of which nothing is known.

    `none` came with GPT 5.1, `minimal` with GPT 5
    (https://platform.openai.com/docs/api-reference/chat/create#chat_create-reasoning_effort).
    """
    version, rest = _gpt(model)
    if version is not None:
        if any(kind in rest for kind in ("codex", "pro", "chat", "oss")):
            return None
        return "none" if version >= (5, 1) else "minimal" if version >= (5, 0) else None
    found = _O.search(model.lower())
    return "low" if found and "pro" not in found[1] else None


def most_effort(model: str) -> Literal["high", "xhigh"]:
    """Return the most effort a model is known to take.

    `xhigh` came with GPT 5.1 Codex Max, and every later one has it (same place).
    """
    version, rest = _gpt(model)
    if version is None:
        return "high"
    return "xhigh" if version >= (5, 2) or "codex-max" in rest else "high"


def takes_reasoning_back(model: str) -> bool:
    """Whether a model's API wants its reasoning back, in `reasoning_content`.

    DeepSeek, which reasons by default, answers 400 to a turn of a tool loop without the field; an
    empty one is accepted on every turn (https://api-docs.deepseek.com/guides/thinking_mode).
    Its distillates, which others serve, are other vendors' models; Groq answers 400 to the field.
    """
    name = model.lower()
    return "deepseek" in name and "distill" not in name


@lru_cache(maxsize=1024)
def _gpt(model: str) -> tuple[Version | None, str]:
    """Return the version in the name of a GPT model and what follows it there."""
    if found := _GPT.search(model.lower()):
        return (int(found[1]), int(found[2] or 0)), found[3]
    return None, ""
