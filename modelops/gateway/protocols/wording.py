"""What writers of several protocols share: arguments as JSON, results of tools as words."""

from __future__ import annotations

import msgspec

from modelops.gateway.protocols.adapter import CannotCarryError
from modelops.gateway.protocols.conversation import Document, Text, ToolResult

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


def with_description(schema: msgspec.Raw, description: str) -> msgspec.Raw:
    """Return a schema that says what it is for, where its protocol has no other place for that."""
    fields = msgspec.json.decode(schema) if description else None
    if not isinstance(fields, dict) or "description" in fields:
        return schema
    return msgspec.Raw(msgspec.json.encode({"description": description, **fields}))


def document_text(document: Document) -> str:
    """Return a text document with its title, for protocols in which it is words like any other."""
    return f"{document.name}\n\n{document.text}" if document.name else document.text


def result_text(result: ToolResult) -> str:
    """Return the words of a tool's result, for protocols whose results are nothing else."""
    words = []
    for part in result.parts:
        if not isinstance(part, Text):
            raise CannotCarryError("an image or a document in the result of a tool")
        words.append(part.text)
    return "".join(words)
