"""Keeping keys out of the messages of providers before they reach books, headers or callers."""

from __future__ import annotations

import re

from modelops.metering.attempt import MESSAGE_MAX

_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[^\s\"',;]+")
_NAMED = re.compile(
    r"(?i)\b(api[-_ ]?key|key|token|secret|password)(\s*[=:]\s*)[\"']?[^\s\"'&,;]{6,}"
)
_PREFIXED = re.compile(r"\b(?:sk|pk|rk|gsk|xai|hf|mo|AIza|AKIA|eyJ)[-_A-Za-z0-9*.]{6,}")
_OPAQUE = re.compile(r"(?=[A-Za-z0-9_-]*[0-9])(?=[A-Za-z0-9_-]*[A-Za-z])[A-Za-z0-9_-]{32,}")
_SPACE = re.compile(r"\s+")


def redact(message: str) -> str:
    """Return a message on one line, at most 300 characters, without anything that may be a key.

    What looks like one is taken out by its context (`Bearer ...`, `api_key=...`), by the prefix
    providers use, or by being long and opaque; better one id too many than one key too few.
    """
    text = _SPACE.sub(" ", message[: 16 * MESSAGE_MAX]).strip()
    text = _BEARER.sub(r"\1 [redacted]", text)
    text = _NAMED.sub(r"\1\2[redacted]", text)
    text = _PREFIXED.sub("[redacted]", text)
    text = _OPAQUE.sub("[redacted]", text)
    return text if len(text) <= MESSAGE_MAX else text[: MESSAGE_MAX - 3] + "..."
