"""Size of a request without base64 images and files, for cost estimates.

Providers bill an image by what it shows, mostly one or two thousand tokens, but its base64 text of
4 MB would be estimated at a million. It is sent as a `data:` URL (OpenAI) or bare (Anthropic,
Gemini, Ollama): either way as one long string without a space.
"""

from __future__ import annotations

import string

LARGE = 64 * 1024
"""Bodies of up to this many bytes count whole: an ordinary request is not searched."""

_LOOKS = 1024
"""Most places that are looked at: a quarter of a millisecond, whatever a client sends."""

_STEP = 1024
_RUN = 256
_LETTERS = (string.ascii_letters + string.digits + "+/=_-\\").encode()
"""Of base64; JSON may escape the slash. Text has nowhere `_RUN` of them in a row."""


def text_bytes(content: bytes) -> int:
    """Return the bytes of a body without long strings of base64, give or take a step for each.

    A step that begins with letters of base64 is taken to be base64.
    """
    size = len(content)
    if size <= LARGE:
        return size
    step = max(_STEP, size // _LOOKS)
    encoded = 0
    for at in range(0, size - step, step):
        encoded += not content[at : at + _RUN].translate(None, _LETTERS)
    return size - encoded * step
