"""Ids of tool calls on their way from one protocol to another.

A call and its result are mapped by the same function of the id alone, so they find each other
again whichever provider the next turn goes to.
"""

from __future__ import annotations

import hashlib
import re

_PORTABLE = re.compile(r"[A-Za-z0-9_-]{1,40}")
"""What every provider takes: Anthropic's characters, OpenAI's length."""


def portable(tool_id: str) -> str:
    """Return the id itself where every provider takes it, else one made from it."""
    if _PORTABLE.fullmatch(tool_id):
        return tool_id
    return "call_" + hashlib.sha256(tool_id.encode()).hexdigest()[:24]


def made_up(answer_id: str, index: int, name: str) -> str:
    """Return an id for a call that came without one (Gemini, Ollama)."""
    return "call_" + hashlib.sha256(f"{answer_id}/{index}/{name}".encode()).hexdigest()[:24]
