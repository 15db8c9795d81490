"""How much of a request's body is written, for estimates: a picture in base64 is no text.

Providers bill pictures and files by what they show, mostly a thousand tokens or two, so their four
million letters would make an estimate of a million tokens. They stand as `data:` URLs (OpenAI) or
bare (Anthropic, Gemini, Ollama); either way as one long string without a space.
"""

from __future__ import annotations

import re

LARGE = 64 * 1024
"""Bytes of a body up to which all of it counts: nothing is looked at in an ordinary request."""

_STEP = 1024
_LETTERS = re.compile(rb"[A-Za-z0-9+/=_\\-]{256}")
"""What text has nowhere: so many letters of base64 in a row; JSON may escape the slash."""


def written_size(content: bytes) -> int:
    """Return the bytes of a body without long strings of base64, give or take a step for each.

    A step that begins with letters of base64 is taken to be base64: the time this takes grows with
    the length alone, whatever a client sends.
    """
    size = len(content)
    if size <= LARGE:
        return size
    encoded = sum(1 for at in range(0, size - _STEP, _STEP) if _LETTERS.match(content, at))
    return size - encoded * _STEP
