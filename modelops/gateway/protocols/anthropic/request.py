"""Reading Anthropic messages requests into the canonical conversation.

The types say all that is understood; whatever else a request holds cannot be carried, and the
error names where it stands. Cache marks are understood as what they are, hints on price, and so is
the clearing of earlier thoughts.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Raw

from modelops.gateway.caller import user_part
from modelops.gateway.protocols import conversation as canonical
from modelops.gateway.protocols.anthropic.turns import (
    Message,
    Strict,
    TextBlock,
    read_blocks,
    read_turns,
)
from modelops.gateway.protocols.conversation import Conversation
from modelops.gateway.protocols.nulls import decode_request


class _Tool(Strict):
    name: str
    input_schema: Raw
    description: str | None = None
    type: Literal["custom"] | None = None
    strict: bool | None = None
    cache_control: Any = None
    eager_input_streaming: Any = None
    defer_loading: Literal[False] | None = None


class _Auto(Strict, tag="auto"):
    disable_parallel_tool_use: bool = False


class _Any(Strict, tag="any"):
    disable_parallel_tool_use: bool = False


class _OneTool(Strict, tag="tool"):
    name: str
    disable_parallel_tool_use: bool = False


class _NoTool(Strict, tag="none"):
    pass


class _Enabled(Strict, tag="enabled"):
    budget_tokens: int
    display: Any = None


class _Adaptive(Strict, tag="adaptive"):
    display: Any = None


class _Disabled(Strict, tag="disabled"):
    pass


class _Format(Strict):
    type: Literal["json_schema"]
    schema: Raw


class _OutputConfig(Strict):
    format: _Format | None = None
    effort: Literal["low", "medium", "high", "xhigh", "max"] | None = None


class _ClearThinking(Strict, tag="clear_thinking_20251015"):
    keep: Any = None


class _ContextManagement(Strict):
    edits: list[_ClearThinking] | None = None


class _Metadata(msgspec.Struct, gc=False):
    user_id: str | None = None


class _Request(Strict):
    messages: list[Message]
    max_tokens: Annotated[int, msgspec.Meta(ge=1)] | None = None
    model: str | None = None
    system: str | list[TextBlock] | None = None
    tools: list[_Tool] | None = None
    tool_choice: _Auto | _Any | _OneTool | _NoTool | None = None
    thinking: _Enabled | _Adaptive | _Disabled | None = None
    output_config: _OutputConfig | None = None
    context_management: _ContextManagement | None = None
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
    system = read_blocks(request.system or [])
    leading = (canonical.Message("system", system),) if system else ()
    choice, parallel = _tool_choice(request.tool_choice)
    return Conversation(
        messages=leading + tuple(read_turns(request.messages)),
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
        user=user_part(request.metadata.user_id or "") if request.metadata else "",
        stream=bool(request.stream),
    )


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
    if isinstance(request.thinking, _Disabled):
        return canonical.Thinking("none")
    if isinstance(request.thinking, _Adaptive) or word is not None:
        return canonical.Thinking(word, optional=True)
    return None
