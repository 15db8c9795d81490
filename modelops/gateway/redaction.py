"""Keeping keys out of what providers say before it reaches books, headers or callers.

The key a provider was called with is known and taken out literally (`spellings`, `hide`); keys of
others, which an upstream of the upstream may quote, are told by their shape (`redact`).
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from urllib.parse import quote

from modelops.metering.attempt import MESSAGE_MAX

_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[^\s\"',;]+")
_NAMED = re.compile(
    r"(?i)\b(api[-_ ]?key|secret|password"
    r"|token(?=\s*[=:]\s*[\"']?[\w-]{8})"
    r"|(?:key|token)(?=\s*[=:]\s*[\"']?(?:[^\s\"'&,;]*[0-9]|[^\s\"'&,;]{20})))"
    r"(\s*[=:]\s*)[\"']?[^\s\"'&,;]{6,}"
)
"""`Invalid key: temperature` is about a parameter: a bare `key` holds a digit, or is long."""

_PREFIXED = re.compile(
    r"\b(?:(?:sk|pk|rk|gsk|csk|xai|hf|mo|fw|ak|r8|pplx|tgp)[-_*]|AIza|AKIA|eyJ)[-_A-Za-z0-9*.]{5,}"
)
_LONG = re.compile(r"[A-Za-z0-9_-]{32,}(?:\.[A-Za-z0-9_-]{8,})*")
_DIGIT, _LETTER = re.compile(r"[0-9]"), re.compile(r"[A-Za-z]")
_WORDS = re.compile(
    r"(?=(?:[A-Za-z0-9]+[-_])*[A-Za-z]{5,14}(?:[-_]|$))"
    r"(?:(?:[A-Za-z]{1,14}|[0-9]{1,8}|[A-Za-z]{0,3}[0-9]{1,4}[A-Za-z]{0,2})(?:[-_]|$))+"
)
"""What is long because it is made of words and numbers, as the names of models are. One word has
five letters or more: keys come in groups of four."""

_SPACE = re.compile(r"[\s\x00-\x1f\x7f-\x9f]+")
"""Control characters too: Postgres takes no row in which there is a NUL."""

SPELLED_MIN = 8
"""Length from which a key is looked for: what is shorter, like `none` or `ollama`, is a word."""


def spellings(key: str) -> tuple[bytes, ...]:
    """Return what a key may look like in an answer, the longest first.

    As it is, as JSON and percent-encoding write it, and within base64 at any offset: three bytes
    become four letters, so there are three forms, without the letters that also depend on
    neighboring bytes.
    """
    if len(key) < SPELLED_MIN:
        return ()
    plain = {key, json.dumps(key)[1:-1], quote(key, safe="")}
    found = {spelled.encode() for spelled in plain} | set(_in_base64(key.encode()))
    return tuple(sorted(found, key=lambda spelled: (-len(spelled), spelled)))


def _in_base64(key: bytes) -> Iterator[bytes]:
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + key)
        whole = 4 * ((before + len(key)) // 3)
        inner = encoded[4 if before else 0 : whole]
        if len(inner) >= SPELLED_MIN:
            yield inner
            yield inner.translate(bytes.maketrans(b"+/", b"-_"))


def one_line(text: str) -> str:
    """Return what somebody else said as the books keep it, on one line and printable."""
    return _SPACE.sub(" ", text).strip()


def hide(content: bytes, spelled: tuple[bytes, ...]) -> bytes:
    """Return content without any of the spellings of a key."""
    if len(content) < SPELLED_MIN:
        return content
    for one in spelled:
        content = content.replace(one, b"[redacted]")
    return content


def redact(message: str) -> str:
    """Return a message on one line, at most 300 characters, without anything that may be a key.

    What looks like one is taken out by its context (`Bearer ...`, `api_key=...`), by the prefix
    providers use, or by being long and opaque; better one id too many than one key too few.
    """
    text = one_line(message[: 16 * MESSAGE_MAX])
    text = _BEARER.sub(r"\1 [redacted]", text)
    text = _NAMED.sub(r"\1\2[redacted]", text)
    text = _PREFIXED.sub("[redacted]", text)
    text = _LONG.sub(lambda run: "[redacted]" if _opaque(run[0]) else run[0], text)
    return text if len(text) <= MESSAGE_MAX else text[: MESSAGE_MAX - 3] + "..."


def _opaque(run: str) -> bool:
    mixed = _DIGIT.search(run) and _LETTER.search(run)
    return bool(mixed) and not _WORDS.fullmatch(run)
