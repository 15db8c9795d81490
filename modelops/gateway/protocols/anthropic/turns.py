"""Reading the turns of Anthropic messages requests: their blocks, as far as they are understood."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from msgspec import Raw

from modelops.gateway.protocols import conversation as canonical
from modelops.gateway.protocols.adapter import CannotCarryError
from modelops.gateway.protocols.anthropic.answer import FOREIGN
from modelops.gateway.protocols.conversation import Part, Text


class Strict(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """An object of a request, of which every field is understood."""


class _NoCitations(Strict):
    enabled: Literal[False] = False


class TextBlock(Strict, tag="text"):
    """Words."""

    text: str
    cache_control: Any = None
    citations: None = None


class _Base64(Strict, tag="base64"):
    media_type: str
    data: str


class _Url(Strict, tag="url"):
    url: str


class _PlainText(Strict, tag="text"):
    data: str
    media_type: str = "text/plain"


class _ImageBlock(Strict, tag="image"):
    source: _Base64 | _Url
    cache_control: Any = None


class _DocumentBlock(Strict, tag="document"):
    source: _Base64 | _Url | _PlainText
    title: str | None = None
    cache_control: Any = None
    citations: _NoCitations | None = None
    context: None = None


class _ToolUse(Strict, tag="tool_use"):
    id: str
    name: str
    input: Raw
    cache_control: Any = None
    caller: Any = None


class _ToolResult(Strict, tag="tool_result"):
    tool_use_id: str
    content: str | list[TextBlock | _ImageBlock | _DocumentBlock] | None = None
    is_error: bool | None = None
    cache_control: Any = None


class _Thinking(Strict, tag="thinking"):
    thinking: str
    signature: str = ""


class _Redacted(Strict, tag="redacted_thinking"):
    data: str


_Block = TextBlock | _ImageBlock | _DocumentBlock | _ToolUse | _ToolResult | _Thinking | _Redacted


class Message(Strict):
    """A turn."""

    role: Literal["user", "assistant", "system"]
    content: str | list[_Block]


def read_turns(messages: list[Message]) -> list[canonical.Message]:
    """Read the turns; a result of a tool is told the name its call had."""
    names: dict[str, str] = {}
    turns = []
    for message in messages:
        if not isinstance(message.content, str):
            calls = (block for block in message.content if isinstance(block, _ToolUse))
            names.update((call.id, call.name) for call in calls)
        turns.append(canonical.Message(message.role, read_blocks(message.content, names)))
    return turns


def read_blocks(
    content: str | list[TextBlock] | list[_Block], names: dict[str, str] | None = None
) -> tuple[Part, ...]:
    """Read the blocks of a turn; `names` are those of the tools called so far, by call."""
    if isinstance(content, str):
        return (Text(content),) if content else ()
    parts: list[Part] = []
    signature = ""
    for block in content:
        if isinstance(block, _Redacted) and block.data.startswith(FOREIGN):
            signature = block.data.removeprefix(FOREIGN)
            continue
        part = _part(block, names or {})
        if signature and isinstance(part, canonical.ToolCall):
            part, signature = msgspec.structs.replace(part, signature=signature), ""
        parts.append(part)
    return tuple(parts)


def _part(block: _Block, names: dict[str, str]) -> Part:
    match block:
        case _ToolUse():
            return canonical.ToolCall(block.id, block.name, bytes(block.input).decode())
        case _ToolResult():
            said = block.content or ""
            parts = (Text(said),) if isinstance(said, str) else tuple(map(_media, said))
            return canonical.ToolResult(
                block.tool_use_id, names.get(block.tool_use_id, ""), parts, bool(block.is_error)
            )
        case _Thinking():
            return canonical.Reasoning(block.thinking, block.signature, "", "anthropic")
        case _Redacted():
            return canonical.Reasoning("", "", block.data, "anthropic")
        case _:
            return _media(block)


def _media(
    block: TextBlock | _ImageBlock | _DocumentBlock,
) -> Text | canonical.Image | canonical.Document:
    match block:
        case TextBlock():
            return Text(block.text)
        case _ImageBlock(source=_Base64(media_type=media_type, data=data)):
            return canonical.Image(media_type, data)
        case _ImageBlock(source=_Url(url=url)):
            return canonical.Image(url=url)
        case _DocumentBlock(source=source):
            name = block.title or ""
            if isinstance(source, _Base64):
                return canonical.Document(source.media_type, source.data, name=name)
            if isinstance(source, _PlainText):
                return canonical.Document(source.media_type, text=source.data, name=name)
            return canonical.Document(url=source.url, name=name)
    raise CannotCarryError("a block of an unknown kind")
