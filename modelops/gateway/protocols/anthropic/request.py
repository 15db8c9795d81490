"""Reading Anthropic messages requests into the canonical conversation.

The types say all that is understood; whatever else a request holds cannot be carried, and the
error names where it stands. Cache marks are understood as what they are: hints on price.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Raw

from modelops.gateway.protocols import conversation as canonical
from modelops.gateway.protocols.adapter import CannotCarryError
from modelops.gateway.protocols.anthropic.answer import FOREIGN
from modelops.gateway.protocols.conversation import Conversation, Message, Part, Text
from modelops.gateway.protocols.nulls import decode_request


class _Strict(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    pass


class _NoCitations(_Strict):
    enabled: Literal[False] = False


class _TextBlock(_Strict, tag="text"):
    text: str
    cache_control: Any = None
    citations: None = None


class _Base64(_Strict, tag="base64"):
    media_type: str
    data: str


class _Url(_Strict, tag="url"):
    url: str


class _PlainText(_Strict, tag="text"):
    data: str
    media_type: str = "text/plain"


class _ImageBlock(_Strict, tag="image"):
    source: _Base64 | _Url
    cache_control: Any = None


class _DocumentBlock(_Strict, tag="document"):
    source: _Base64 | _Url | _PlainText
    title: str | None = None
    cache_control: Any = None
    citations: _NoCitations | None = None
    context: None = None


class _ToolUse(_Strict, tag="tool_use"):
    id: str
    name: str
    input: Raw
    cache_control: Any = None
    caller: Any = None


class _ToolResult(_Strict, tag="tool_result"):
    tool_use_id: str
    content: str | list[_TextBlock | _ImageBlock | _DocumentBlock] | None = None
    is_error: bool | None = None
    cache_control: Any = None


class _Thinking(_Strict, tag="thinking"):
    thinking: str
    signature: str = ""


class _Redacted(_Strict, tag="redacted_thinking"):
    data: str


_Block = _TextBlock | _ImageBlock | _DocumentBlock | _ToolUse | _ToolResult | _Thinking | _Redacted


class _Message(_Strict):
    role: Literal["user", "assistant", "system"]
    content: str | list[_Block]


class _Tool(_Strict):
    name: str
    input_schema: Raw
    description: str | None = None
    type: Literal["custom"] | None = None
    strict: bool | None = None
    cache_control: Any = None
    eager_input_streaming: Any = None
    defer_loading: Literal[False] | None = None


class _Auto(_Strict, tag="auto"):
    disable_parallel_tool_use: bool = False


class _Any(_Strict, tag="any"):
    disable_parallel_tool_use: bool = False


class _OneTool(_Strict, tag="tool"):
    name: str
    disable_parallel_tool_use: bool = False


class _NoTool(_Strict, tag="none"):
    pass


class _Enabled(_Strict, tag="enabled"):
    budget_tokens: int
    display: Any = None


class _Adaptive(_Strict, tag="adaptive"):
    display: Any = None


class _Disabled(_Strict, tag="disabled"):
    pass


class _Format(_Strict):
    type: Literal["json_schema"]
    schema: Raw


class _OutputConfig(_Strict):
    format: _Format | None = None
    effort: Literal["low", "medium", "high", "xhigh", "max"] | None = None


class _Metadata(msgspec.Struct, gc=False):
    user_id: str | None = None


class _Request(_Strict):
    messages: list[_Message]
    max_tokens: Annotated[int, msgspec.Meta(ge=1)] | None = None
    model: str | None = None
    system: str | list[_TextBlock] | None = None
    tools: list[_Tool] | None = None
    tool_choice: _Auto | _Any | _OneTool | _NoTool | None = None
    thinking: _Enabled | _Adaptive | _Disabled | None = None
    output_config: _OutputConfig | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop_sequences: list[str] | None = None
    metadata: _Metadata | None = None
    stream: bool | None = None
    service_tier: Literal["auto", "standard_only"] | None = None
    speed: Literal["standard"] | None = None
    cache_control: Any = None


_DECODER = msgspec.json.Decoder(_Request)


def read_request(content: bytes) -> Conversation:
    """Read a request; CannotCarryError for whatever has no place in a conversation."""
    request = decode_request(_DECODER, content)
    system = _blocks(request.system or [])
    leading = (Message("system", system),) if system else ()
    choice, parallel = _tool_choice(request.tool_choice)
    return Conversation(
        messages=leading + tuple(_messages(request.messages)),
        tools=tuple(
            canonical.Tool(tool.name, tool.description or "", tool.input_schema, bool(tool.strict))
            for tool in request.tools or ()
        ),
        tool_choice=choice,
        parallel_tools=parallel,
        max_tokens=request.max_tokens,
        temperature=request.temperature,
        top_p=request.top_p,
        top_k=request.top_k,
        stop=tuple(request.stop_sequences or ()),
        format=_format(request.output_config),
        thinking=_thinking(request),
        user=(request.metadata.user_id or "") if request.metadata else "",
        stream=bool(request.stream),
    )


def _messages(messages: list[_Message]) -> list[Message]:
    """Read the turns; a result of a tool is told the name its call had."""
    names: dict[str, str] = {}
    turns = []
    for message in messages:
        if not isinstance(message.content, str):
            calls = (block for block in message.content if isinstance(block, _ToolUse))
            names.update((call.id, call.name) for call in calls)
        turns.append(Message(message.role, _blocks(message.content, names)))
    return turns


def _blocks(
    content: str | list[_TextBlock] | list[_Block], names: dict[str, str] | None = None
) -> tuple[Part, ...]:
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
    block: _TextBlock | _ImageBlock | _DocumentBlock,
) -> Text | canonical.Image | canonical.Document:
    match block:
        case _TextBlock():
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


def _tool_choice(
    choice: _Auto | _Any | _OneTool | _NoTool | None,
) -> tuple[canonical.ToolChoice | None, bool | None]:
    """Return what must be called, and whether several calls at once are allowed."""
    if choice is None:
        return None, None
    if isinstance(choice, _NoTool):
        return canonical.ToolChoice("none"), None
    parallel = False if choice.disable_parallel_tool_use else None
    if isinstance(choice, _OneTool):
        return canonical.ToolChoice("tool", choice.name), parallel
    return canonical.ToolChoice("auto" if isinstance(choice, _Auto) else "required"), parallel


def _format(config: _OutputConfig | None) -> canonical.Format | None:
    if config is None or config.format is None:
        return None
    return canonical.Format(config.format.schema)


def _thinking(request: _Request) -> canonical.Thinking | None:
    effort = request.output_config.effort if request.output_config else None
    word: canonical.Effort | None = effort
    if isinstance(request.thinking, _Enabled):
        return canonical.Thinking(word, request.thinking.budget_tokens)
    if isinstance(request.thinking, _Adaptive):
        return canonical.Thinking(word)
    if isinstance(request.thinking, _Disabled):
        return canonical.Thinking("none")
    return None if word is None else canonical.Thinking(word)
