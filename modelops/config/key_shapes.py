"""What keys of providers look like: the fixed prefixes by which they mark them.

The word before must end, so that ciphertext does not match.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

MARKS = (
    *("sk-", "xai-", "gsk_", "hf_", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "mo_"),
    *("AGE-SECRET-KEY-1", "-----BEGIN ", "AIza", "AKIA"),
)
"""Every key has one of these in it, and a text without any is searched 20 times as fast."""

KEY = re.compile(
    r"(?<![A-Za-z0-9_-])(?:"
    r"sk-[A-Za-z0-9_-]{20,}"  # OpenAI, Anthropic, DeepSeek, OpenRouter, AiHubMix
    r"|xai-[A-Za-z0-9]{20,}"
    r"|gsk_[A-Za-z0-9]{20,}"  # Groq
    r"|hf_[A-Za-z0-9]{30,}"
    r"|gh[pousr]_[A-Za-z0-9]{30,}"
    r"|mo_[A-Za-z0-9]+_[A-Za-z0-9_-]{20,}"  # our own
    r"|AGE-SECRET-KEY-1[A-Z0-9]{20,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----"
    r")"
    # these could stand in the middle of base64
    r"|(?<![A-Za-z0-9_+/-])(?:AIza[A-Za-z0-9_-]{30,}|AKIA[A-Z0-9]{16})"
)


def keys(text: str) -> Iterator[re.Match[str]]:
    """Return where keys stand in a text."""
    return KEY.finditer(text) if any(mark in text for mark in MARKS) else iter(())


def hidden(text: str) -> str:
    """Return a text with everything that looks like a key taken out."""
    return KEY.sub("(hidden)", text)
