"""What writers of several protocols share: arguments as JSON, results of tools as words."""

from __future__ import annotations

import msgspec

from modelops.gateway.protocols.adapter import CannotCarryError
from modelops.gateway.protocols.conversation import Text, ToolResult


def arguments_json(arguments: str) -> msgspec.Raw:
    """Return a call's arguments as the JSON object they are, for protocols that want no string."""
    try:
        decoded = msgspec.json.decode(arguments or "{}")
    except (msgspec.DecodeError, RecursionError):
        decoded = None
    if not isinstance(decoded, dict):
        raise CannotCarryError("arguments of a tool call that are not a JSON object")
    return msgspec.Raw((arguments or "{}").encode())


def result_text(result: ToolResult) -> str:
    """Return the words of a tool's result, for protocols whose results are nothing else."""
    words = []
    for part in result.parts:
        if not isinstance(part, Text):
            raise CannotCarryError("an image or a document in the result of a tool")
        words.append(part.text)
    return "".join(words)
