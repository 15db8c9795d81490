"""Reading whole answers: JSON that must be an object without an error."""

from __future__ import annotations

from typing import Any

import msgspec

from modelops.gateway.errors import NOT_JSON
from modelops.gateway.protocols.adapter import NotAnAnswerError

_DECODE = msgspec.json.Decoder().decode
decode_object = msgspec.json.Decoder(dict[str, Any]).decode
"""Decodes the data of an event that is looked at whole."""


def decode_answer(content: bytes) -> dict[str, Any]:
    """Decode a whole answer; NotAnAnswerError unless it is an object without an error."""
    try:
        document = _DECODE(content)
    except NOT_JSON:
        raise NotAnAnswerError("the answer is not JSON") from None
    if not isinstance(document, dict):
        raise NotAnAnswerError("the answer is not a JSON object")
    if document.get("error"):
        raise NotAnAnswerError("the answer holds an error")
    return document


def text_size(value: Any) -> int:
    """Return the length of all strings in a piece of an answer: what an estimate is made from."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, dict):
        return sum(text_size(item) for item in value.values())
    if isinstance(value, list):
        return sum(text_size(item) for item in value)
    return 0
