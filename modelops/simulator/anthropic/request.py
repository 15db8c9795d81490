"""Reads a request in Anthropic's messages protocol, and refuses what Anthropic refuses.

The checks are those that a wrong translation from another protocol would run into: roles and
their order, tool results without their calls, empty text, thinking without its signature,
temperatures beyond one.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from typing import Any, Literal

import msgspec

from modelops.simulator.anthropic.versions import check, check_budget, check_edits, check_system
from modelops.simulator.question import (
    CacheLifetime,
    Question,
    Segment,
    Tool,
    ToolChoice,
    ToolResult,
    segment,
)
from modelops.simulator.wire import Request, RequestError, encode, read


class Block(msgspec.Struct):
    """A block of content, of any type."""

    type: str
    text: str = ""
    id: str = ""
    name: str = ""
    input: Any = None
    tool_use_id: str = ""
    content: Any = None
    thinking: str = ""
    signature: str = ""
    cache_control: dict[str, Any] | None = None


class Message(msgspec.Struct):
    """A message of the conversation."""

    role: str
    content: str | list[Block]

    @property
    def blocks(self) -> list[Block]:
        """The content as blocks."""
        if isinstance(self.content, str):
            return [Block("text", text=self.content)]
        return self.content


class Format(msgspec.Struct):
    """The form an answer must have."""

    type: str = ""
    schema: dict[str, Any] | None = None


class OutputConfig(msgspec.Struct):
    """How the answer is to come."""

    format: Format | None = None
    effort: Literal["low", "medium", "high", "xhigh", "max"] | None = None


class Offered(msgspec.Struct):
    """A tool the caller offers; those without a schema are run by the provider."""

    name: str
    type: str | None = None
    description: str | None = None
    input_schema: dict[str, Any] | None = None
    cache_control: dict[str, Any] | None = None


class Messages(msgspec.Struct, kw_only=True):
    """The body of a request; fields that do not change the answer are not listed."""

    model: str
    messages: list[Message]
    system: str | list[Block] | None = None
    tools: list[Offered] | None = None
    tool_choice: dict[str, Any] | None = None
    thinking: dict[str, Any] | None = None
    output_config: OutputConfig | None = None
    output_format: Format | None = None
    cache_control: dict[str, Any] | None = None
    max_tokens: int | None = None
    stop_sequences: list[str] | None = None
    stream: bool = False
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    metadata: dict[str, Any] | None = None
    thread: dict[str, Any] | None = None
    context_management: dict[str, list[dict[str, Any]]] | None = None

    @property
    def thinks(self) -> bool:
        """Whether thinking is switched on."""
        return self.thinking is not None and self.thinking.get("type") != "disabled"


def load(request: Request) -> Messages:
    """Return the body of a request as it was sent; RequestError where it cannot be read."""
    if not request.headers.get("anthropic-version"):
        raise RequestError("anthropic-version: header is required")
    return read(request, Messages)


def verify(asked: Messages) -> None:
    """Raise RequestError for what Anthropic would refuse of a whole conversation."""
    if not asked.messages:
        raise RequestError("messages: at least one message is required")
    if asked.messages[0].role != "user":
        raise RequestError('messages: first message must use the "user" role')
    _check_roles(asked)
    _check_blocks(asked.messages)
    _check_tools(asked.messages)
    if asked.temperature is not None and not 0 <= asked.temperature <= 1:
        raise RequestError("temperature: range: 0..1")
    sampling = {"temperature": asked.temperature, "top_p": asked.top_p, "top_k": asked.top_k}
    effort = asked.output_config.effort if asked.output_config else None
    check(asked.model, asked.thinking, effort, sampling)
    if asked.thinks:
        _check_thinking(asked)
    else:
        check_edits(asked.context_management or {})


def question(asked: Messages) -> Question:
    """Return the request in the terms that decide its answer."""
    choice, forced = _tool_choice(asked.tool_choice)
    tools = [tool for tool in asked.tools or () if tool.input_schema is not None]
    return Question(
        model=asked.model,
        text=next((_text(m) for m in reversed(asked.messages) if _text(m)), ""),
        prompt=tuple(_prompt(asked)),
        results=tuple(_results(asked.messages)),
        tools=tuple(Tool(tool.name, tool.input_schema or {}) for tool in tools),
        tool_choice=choice,
        forced_tool=forced,
        parallel_calls=not (asked.tool_choice or {}).get("disable_parallel_tool_use"),
        schema=_schema(asked),
        reasoning=asked.thinks,
        max_tokens=asked.max_tokens,
        stop=tuple(asked.stop_sequences or ()),
    )


def signature(thinking: str) -> str:
    """Return the signature that a thinking block must bring back."""
    digest = hashlib.sha512(b"simulated thinking\0" + thinking.encode()).digest()
    return base64.b64encode(digest).decode()


def _check_roles(asked: Messages) -> None:
    before = ""
    for index, message in enumerate(asked.messages):
        if message.role not in {"user", "assistant", "system"}:
            raise RequestError(
                f"messages.{index}.role: Input should be 'user', 'assistant' or 'system'"
            )
        if message.role == "system":
            check_system(asked.model, follows_user=before == "user")
        before = message.role


def _check_blocks(messages: list[Message]) -> None:
    for index, message in enumerate(messages):
        where = f"messages.{index}"
        if not message.content and index < len(messages) - 1:
            raise RequestError(f"{where}: all messages must have non-empty content")
        for place, block in enumerate(message.blocks):
            if block.type == "text" and not block.text.strip():
                raise RequestError("messages: text content blocks must be non-empty")
            if block.type == "thinking" and block.signature != signature(block.thinking):
                raise RequestError(
                    f"{where}.content.{place}: Invalid `signature` in `thinking` block"
                )
    last = messages[-1]
    if last.role == "assistant" and last.blocks and last.blocks[-1].text.endswith((" ", "\n")):
        raise RequestError("messages: final assistant content cannot end with trailing whitespace")


def _check_tools(messages: list[Message]) -> None:
    called: set[str] = set()
    for index, message in enumerate(messages):
        answered = {b.tool_use_id for b in message.blocks if b.type == "tool_result"}
        strange = answered - called
        if strange:
            raise RequestError(
                f"messages.{index}: unexpected `tool_use_id` found in `tool_result` blocks: "
                f"{', '.join(sorted(strange))}. Each `tool_result` block must have a corresponding "
                "`tool_use` block in the previous message."
            )
        if called - answered:
            raise RequestError(
                f"messages.{index}: `tool_use` ids were found without `tool_result` blocks "
                f"immediately after: {', '.join(sorted(called - answered))}."
            )
        called = {b.id for b in message.blocks if b.type == "tool_use"}


def _check_thinking(asked: Messages) -> None:
    manual = asked.thinking is not None and asked.thinking.get("type") == "enabled"
    if asked.thinking is not None and manual:
        check_budget(asked.thinking, asked.max_tokens, asked.messages)
    if asked.temperature not in {None, 1}:
        raise RequestError("`temperature` may only be set to 1 when thinking is enabled.")
    if asked.top_p is not None and asked.top_p < 0.95:
        raise RequestError(
            "`top_p` must be greater than or equal to 0.95 when thinking is enabled."
        )
    if manual and (asked.tool_choice or {}).get("type") in {"any", "tool"}:
        raise RequestError("Thinking may not be enabled when tool_choice forces tool use.")


def _tool_choice(value: dict[str, Any] | None) -> tuple[ToolChoice, str]:
    kind = (value or {}).get("type")
    if kind == "tool":
        return "required", str((value or {}).get("name", ""))
    return ("none" if kind == "none" else "required" if kind == "any" else "auto"), ""


def _text(message: Message) -> str:
    if message.role != "user":
        return ""
    return "\n".join(block.text for block in message.blocks if block.type == "text")


def _prompt(asked: Messages) -> Iterator[Segment]:
    for tool in asked.tools or ():
        plain = msgspec.structs.replace(tool, cache_control=None)
        yield segment(encode(plain).decode(), cache=_lifetime(tool.cache_control))
    system = asked.system or []
    blocks = [Block("text", text=system)] if isinstance(system, str) else list(system)
    blocks += [block for message in asked.messages for block in message.blocks]
    whole = _lifetime(asked.cache_control)
    for index, block in enumerate(blocks):
        last = index == len(blocks) - 1
        yield _segment(block, _lifetime(block.cache_control) or (whole if last else ""))


def _segment(block: Block, cache: CacheLifetime) -> Segment:
    match block.type:
        case "tool_use":
            return segment(block.name + encode(block.input).decode(), cache=cache)
        case "tool_result":
            text, images = _result(block.content)
            return segment(text, images=images, cache=cache)
        case "image":
            return segment(images=1, cache=cache)
        case "document":
            return segment(documents=1, cache=cache)
        case _:
            return segment(block.text or block.thinking, cache=cache)


def _lifetime(cache_control: dict[str, Any] | None) -> CacheLifetime:
    if not cache_control:
        return ""
    return "1h" if cache_control.get("ttl") == "1h" else "5m"


def _result(content: Any) -> tuple[str, int]:
    if not isinstance(content, list):
        return str(content or ""), 0
    texts = [str(part.get("text", "")) for part in content if isinstance(part, dict)]
    images = sum(isinstance(part, dict) and part.get("type") == "image" for part in content)
    return "\n".join(text for text in texts if text), images


def _results(messages: list[Message]) -> Iterator[ToolResult]:
    names = {b.id: b.name for m in messages for b in m.blocks if b.type == "tool_use"}
    for block in messages[-1].blocks:
        if block.type == "tool_result":
            yield ToolResult(names.get(block.tool_use_id, ""), _result(block.content)[0])


def _schema(asked: Messages) -> dict[str, Any] | None:
    wanted = (asked.output_config and asked.output_config.format) or asked.output_format
    if wanted is None or wanted.type != "json_schema":
        return None
    return wanted.schema or {}
