"""What writers of several protocols share: arguments as JSON, results of tools as words."""

from __future__ import annotations

import msgspec

from modelops.gateway.protocols.adapter import CannotCarryError
from modelops.gateway.protocols.conversation import Text, ToolResult

INVALID = "INVALID_JSON"


def arguments_json(arguments: str) -> msgspec.Raw:
    """Return a call's arguments as the JSON object they are, for protocols that want no string.

    What a model wrote instead, or was cut off at, goes on as the value of a key that says so, the
    one Anthropic suggests (https://platform.claude.com/docs, fine-grained tool streaming).
    """
    return read_object(arguments) or msgspec.Raw(msgspec.json.encode({INVALID: arguments}))


def read_object(arguments: str) -> msgspec.Raw | None:
    """Return a call's arguments as JSON, None when they are not an object."""
    try:
        decoded = msgspec.json.decode(arguments or "{}")
    except (msgspec.DecodeError, RecursionError):
        return None
    return msgspec.Raw((arguments or "{}").encode()) if isinstance(decoded, dict) else None


def result_text(result: ToolResult) -> str:
    """Return the words of a tool's result, for protocols whose results are nothing else."""
    words = []
    for part in result.parts:
        if not isinstance(part, Text):
            raise CannotCarryError("an image or a document in the result of a tool")
        words.append(part.text)
    return "".join(words)
