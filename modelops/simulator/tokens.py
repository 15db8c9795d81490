"""The simulator's tokenizer: simple enough to check by hand, so that every usage can be checked.

A token is a run of letters, digits and underscores, or one other character, together with the
white space before it. White space at the end is one token. `"Hi there, you."` has five. Joining
the tokens gives the text back. An image or document counts a fixed number of tokens.
"""

from __future__ import annotations

import re

IMAGE_TOKENS = 85
"""Tokens of one image: what OpenAI counts for an image of low detail."""

DOCUMENT_TOKENS = 500
"""Tokens of one document, whatever its length."""

_TOKEN = re.compile(r"\s*(?:\w+|[^\w\s])|\s+")


def split(text: str) -> list[str]:
    """Return the tokens of a text, in order and without loss."""
    return _TOKEN.findall(text)


def count(text: str) -> int:
    """Return how many tokens a text has."""
    return len(_TOKEN.findall(text))
