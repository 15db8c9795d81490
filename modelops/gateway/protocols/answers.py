"""Reading answers: JSON that must be an object, and a whole one without an error."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from modelops.gateway.call import Endpoint
from modelops.gateway.errors import NOT_JSON
from modelops.gateway.protocols.adapter import Answer, NotAnAnswerError
from modelops.metering.usage import embedding_usage, whole_usage
from modelops.resources.resolved import Protocol

Document = TypeVar("Document")

decode_object = msgspec.json.Decoder(dict[str, Any]).decode
"""Decodes what is looked at whole."""


def decode_as(decode: Callable[[bytes], Document], content: bytes) -> Document:
    """Decode a whole answer as far as it is looked at; NotAnAnswerError when it is something else.

    Strings that are not looked at are checked too: all of an answer is text.
    """
    try:
        if not content.isascii():
            content.decode()
        return decode(content)
    except msgspec.ValidationError as error:
        raise NotAnAnswerError(f"the answer is not what it should be: {error}") from None
    except NOT_JSON:
        raise NotAnAnswerError("the answer is not JSON") from None


def decode_answer(content: bytes) -> dict[str, Any]:
    """Decode a whole answer; NotAnAnswerError unless it is an object without an error."""
    document = decode_as(decode_object, content)
    if document.get("error"):
        raise NotAnAnswerError("the answer holds an error")
    return document


def reported(protocol: Protocol, endpoint: Endpoint, content: bytes) -> Answer | None:
    """Return the usage that an unusable answer reports; None if no cost follows from it."""
    try:
        document = decode_object(content)
    except NOT_JSON:
        return None
    usage, tier = whole_usage(protocol, document)
    if endpoint == "/v1/embeddings":
        usage = embedding_usage(protocol, document)
    return Answer(b"", usage, tier) if usage.priced else None


def text_size(value: Any) -> int:
    """Return the length of all strings in a piece of an answer: what an estimate is made from."""
    size, left = 0, [value]
    while left:
        item = left.pop()
        if isinstance(item, str):
            size += len(item)
        elif isinstance(item, dict):
            left += item.values()
        elif isinstance(item, list):
            left += item
    return size
