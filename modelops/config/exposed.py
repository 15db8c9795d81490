"""What looks like a key where no key belongs: in a plain field, in a comment.

Comments carry no YAML events, so the raw text is searched. The patterns are the fixed prefixes by
which providers mark their keys; the word before must end, so that ciphertext does not match.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from modelops.config import rules
from modelops.config.diagnostics import found
from modelops.config.text import place
from modelops.config.yaml import SOPS, Document
from modelops.resources.configuration import Diagnostic

_KEY = re.compile(
    r"(?<![A-Za-z0-9_+/=-])(?:"
    r"sk-[A-Za-z0-9_-]{20,}"  # OpenAI, Anthropic, DeepSeek, OpenRouter, AiHubMix
    r"|xai-[A-Za-z0-9]{20,}"
    r"|gsk_[A-Za-z0-9]{20,}"  # Groq
    r"|AIza[A-Za-z0-9_-]{30,}"  # Google
    r"|AKIA[A-Z0-9]{16}"
    r"|hf_[A-Za-z0-9]{30,}"
    r"|gh[pousr]_[A-Za-z0-9]{30,}"
    r"|mo_[A-Za-z0-9]+_[A-Za-z0-9_-]{20,}"  # our own
    r"|AGE-SECRET-KEY-1[A-Z0-9]{20,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----"
    r")"
)


def looks_like_key(text: str) -> bool:
    """Say whether a key of a known shape stands in a text."""
    return _KEY.search(text) is not None


def exposed_keys(document: Document) -> Iterator[Diagnostic]:
    """Yield where keys of known shapes stand in a file, its SOPS block aside."""
    ciphered = document.position((SOPS,), key=True).line if document.sops is not None else None
    for match in _KEY.finditer(document.text):
        position = place(document.text, match.start(), document.file)
        if ciphered is None or position.line < ciphered:
            yield found(
                rules.EXPOSED_KEY,
                position,
                "this looks like a key in clear",
                "revoke it, remove it from git's history, and encrypt its successor with sops",
            )
