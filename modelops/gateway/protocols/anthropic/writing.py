"""Writing the canonical conversation as an Anthropic messages request."""

from __future__ import annotations

from typing import Any

import msgspec

from modelops.gateway.protocols import conversation as canonical
from modelops.gateway.protocols.adapter import SYSTEM_BETWEEN, CannotCarryError
from modelops.gateway.protocols.anthropic import thinking
from modelops.gateway.protocols.conversation import Conversation, Message, Part, leading_system
from modelops.gateway.protocols.models import SYSTEM_ANYWHERE, claude_version, samples
from modelops.gateway.protocols.tool_ids import portable
from modelops.gateway.protocols.wording import arguments_json
from modelops.gateway.table import Target

TOP_P_MIN = 0.95
"""The least that goes together with reasoning
(https://platform.claude.com/docs/en/build-with-claude/extended-thinking, feature compatibility)."""


def write_request(conversation: Conversation, target: Target) -> dict[str, Any]:
    """Return the request as JSON-to-be; CannotCarryError for what the protocol has no word for."""
    _refuse_the_unsayable(conversation)
    system, rest = leading_system(conversation.messages)
    wanted = thinking.asked(conversation, target)
    fields: dict[str, Any] = {
        "model": target.upstream_model,
        "max_tokens": wanted.max_tokens,
        "system": [_block(part) for message in system for part in message.parts] or None,
        "messages": _turns(rest, target),
        "tools": [_tool(tool) for tool in conversation.tools] or None,
        "tool_choice": _tool_choice(conversation),
        "thinking": wanted.thinking,
        "output_config": _output_config(conversation.format, wanted.effort),
        **_sampling(conversation, wanted, target),
        "stop_sequences": list(conversation.stop) or None,
        "metadata": {"user_id": conversation.user} if conversation.user else None,
        "stream": conversation.stream or None,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _refuse_the_unsayable(conversation: Conversation) -> None:
    for name in ("seed", "presence_penalty", "frequency_penalty"):
        if getattr(conversation, name) is not None:
            raise CannotCarryError(f"`{name}`")


def _sampling(conversation: Conversation, wanted: thinking.Asked, target: Target) -> dict[str, Any]:
    """Return what is said of sampling, nothing to models that take none."""
    if not samples(target.upstream_model):
        return {}
    temperature, top_p = conversation.temperature, conversation.top_p
    if temperature is not None and temperature > 1:
        raise CannotCarryError("a temperature over 1")
    if wanted.thinks and temperature not in (None, 1):
        raise CannotCarryError("a temperature together with reasoning")
    if wanted.thinks and top_p is not None and top_p < TOP_P_MIN:
        raise CannotCarryError(f"a `top_p` under {TOP_P_MIN} together with reasoning")
    return {"temperature": temperature, "top_p": top_p, "top_k": conversation.top_k}


def _turns(messages: list[Message], target: Target) -> list[dict[str, Any]]:
    """Return the turns; those of one role that follow each other become one.

    A system message in the middle goes behind a turn of the user, the one place for it.
    """
    turns: list[dict[str, Any]] = []
    waiting: list[dict[str, Any]] = []
    for message in messages:
        blocks = [block for part in message.parts if (block := _block(part)) is not None]
        if message.role == "system":
            waiting += blocks
        elif blocks or message.role == "user":  # the API refuses an empty turn of the model
            if turns and turns[-1]["role"] == message.role:
                turns[-1]["content"] += blocks
            else:
                turns.append({"role": message.role, "content": blocks})
        if waiting and turns and turns[-1]["role"] == "user":
            turns.append({"role": "system", "content": waiting})
            waiting = []
    if waiting or not _takes_system(turns, target):
        raise CannotCarryError(SYSTEM_BETWEEN)
    return turns


def _takes_system(turns: list[dict[str, Any]], target: Target) -> bool:
    if all(turn["role"] != "system" for turn in turns):
        return True
    version = claude_version(target.upstream_model)
    return version is not None and version >= SYSTEM_ANYWHERE


def _block(part: Part) -> dict[str, Any] | None:
    """Return a part as a block, with the cache mark that an OpenAI client gave it."""
    block = _unmarked(part)
    cache = getattr(part, "cache", None)
    return {**block, "cache_control": cache} if block is not None and cache else block


def _unmarked(part: Part) -> dict[str, Any] | None:
    match part:
        case canonical.Text():
            return {"type": "text", "text": part.text} if part.text else None
        case canonical.Image() | canonical.Document():
            return _media(part)
        case canonical.ToolCall():
            return {
                "type": "tool_use",
                "id": portable(part.id),
                "name": part.name,
                "input": arguments_json(part.arguments),
            }
        case canonical.ToolResult():
            content = [block for item in part.parts if (block := _block(item)) is not None]
            result = {"type": "tool_result", "tool_use_id": portable(part.id), "content": content}
            return {**result, "is_error": True} if part.is_error else result
        case canonical.Reasoning():
            return _reasoning(part)


def _media(part: canonical.Image | canonical.Document) -> dict[str, Any]:
    source: dict[str, Any]
    if part.url:
        source = {"type": "url", "url": part.url}
    elif isinstance(part, canonical.Document) and part.text:
        source = {"type": "text", "media_type": "text/plain", "data": part.text}
    else:
        source = {"type": "base64", "media_type": part.media_type, "data": part.data}
    if isinstance(part, canonical.Image):
        return {"type": "image", "source": source}
    if source["type"] == "base64" and part.media_type != "application/pdf":
        raise CannotCarryError(f"a document of type {part.media_type}")
    block = {"type": "document", "source": source}
    return {**block, "title": part.name} if part.name else block


def _reasoning(part: canonical.Reasoning) -> dict[str, Any] | None:
    if not thinking.is_own_thought(part):
        return None
    if part.sealed:
        return {"type": "redacted_thinking", "data": part.sealed}
    return {"type": "thinking", "thinking": part.text, "signature": part.signature}


def _tool(tool: canonical.Tool) -> dict[str, Any]:
    written: dict[str, Any] = {"name": tool.name, "input_schema": _schema(tool.parameters)}
    if tool.description:
        written["description"] = tool.description
    if tool.strict:
        written["strict"] = True
    if tool.cache:
        written["cache_control"] = tool.cache
    return written


def _schema(parameters: msgspec.Raw) -> msgspec.Raw:
    """Return a tool's schema; the API requires its type, which may be left out at OpenAI."""
    empty = bytes(parameters).strip() in (b"{}", b"null")
    return msgspec.Raw(b'{"type":"object","properties":{}}') if empty else parameters


def _tool_choice(conversation: Conversation) -> dict[str, Any] | None:
    if not conversation.tools:
        return None
    choice = conversation.tool_choice or canonical.ToolChoice("auto")
    if choice.mode == "none":
        return {"type": "none"}
    written: dict[str, Any] = {"type": "any" if choice.mode == "required" else choice.mode}
    if choice.mode == "tool":
        written["name"] = choice.name
    if conversation.parallel_tools is False:
        written["disable_parallel_tool_use"] = True
    elif conversation.tool_choice is None:
        return None
    return written


def _output_config(wanted: canonical.Format | None, effort: str | None) -> dict[str, Any] | None:
    config: dict[str, Any] = {"effort": effort} if effort else {}
    if wanted is not None:
        if wanted.schema is None:
            raise CannotCarryError("JSON without a schema (`json_object`)")
        config["format"] = {"type": "json_schema", "schema": wanted.schema}
    return config or None
