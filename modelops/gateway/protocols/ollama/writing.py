"""Writing the canonical conversation as an Ollama chat request."""

from __future__ import annotations

from typing import Any

import msgspec

from modelops.gateway.protocols import conversation as canonical
from modelops.gateway.protocols.adapter import CannotCarryError
from modelops.gateway.protocols.conversation import Conversation, Message
from modelops.gateway.protocols.parameters import reasoning_of
from modelops.gateway.protocols.wording import arguments_json, document_text, result_text
from modelops.gateway.table import Target


def write_request(conversation: Conversation, target: Target) -> dict[str, Any]:
    """Return the request as JSON-to-be; CannotCarryError for what the protocol has no word for."""
    choice = conversation.tool_choice
    if choice is not None and choice.mode in ("required", "tool"):
        raise CannotCarryError("a tool that must be called")
    tools = () if choice is not None and choice.mode == "none" else conversation.tools
    fields: dict[str, Any] = {
        "model": target.upstream_model,
        "messages": [line for message in conversation.messages for line in _lines(message)],
        "stream": conversation.stream,
        "tools": [_tool(tool) for tool in tools] or None,
        "format": _format(conversation.format),
        "think": _think(conversation.thinking, target),
        "options": _options(conversation) or None,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _lines(message: Message) -> list[dict[str, Any]]:
    """Return one turn as messages: results of tools are messages of their own, and come first."""
    results: list[dict[str, Any]] = []
    words: list[str] = []
    images: list[str] = []
    calls: list[dict[str, Any]] = []
    for part in message.parts:
        match part:
            case canonical.Text():
                words.append(part.text)
            case canonical.Document(text=text) if text:
                words.append(document_text(part))
            case canonical.Image(data=data) if data:
                images.append(data)
            case canonical.ToolCall():
                function = {"name": part.name, "arguments": arguments_json(part.arguments)}
                calls.append({"function": function})
            case canonical.ToolResult():
                results.append(_result(part))
            case canonical.Reasoning():
                continue  # another provider's, or an earlier turn's: templates leave it out
            case _:
                raise CannotCarryError("a document, or an image given by URL")
    if not (words or images or calls) and results:
        return results
    line: dict[str, Any] = {"role": message.role, "content": "".join(words)}
    if images:
        line["images"] = images
    if calls:
        line["tool_calls"] = calls
    return [*results, line]


def _result(result: canonical.ToolResult) -> dict[str, Any]:
    said = result_text(result)
    content = f"Error: {said}" if result.is_error else said
    return {"role": "tool", "tool_name": result.name, "content": content}


def _tool(tool: canonical.Tool) -> dict[str, Any]:
    if tool.strict:
        raise CannotCarryError("a strict tool: nothing holds its calls to their schema")
    function = {
        "name": tool.name,
        "description": tool.description,
        "parameters": tool.parameters,
    }
    return {"type": "function", "function": function}


def _format(wanted: canonical.Format | None) -> str | msgspec.Raw | None:
    if wanted is None:
        return None
    return "json" if wanted.schema is None else wanted.schema


def _think(asked: canonical.Thinking | None, target: Target) -> bool | str | None:
    """Return whether to reason; only gpt-oss takes a level, the others a yes or no."""
    thinking = reasoning_of(asked, target)
    if thinking is None:
        return None
    if thinking.effort == "none":
        return False
    levels = {"minimal": "low", "low": "low", "medium": "medium"}
    if target.upstream_model.startswith("gpt-oss"):
        return levels.get(thinking.effort or "medium", "high")
    return True


def _options(conversation: Conversation) -> dict[str, Any]:
    options = {
        "num_predict": conversation.max_tokens,
        "temperature": conversation.temperature,
        "top_p": conversation.top_p,
        "top_k": conversation.top_k,
        "seed": conversation.seed,
        "presence_penalty": conversation.presence_penalty,
        "frequency_penalty": conversation.frequency_penalty,
        "stop": list(conversation.stop) or None,
    }
    return {name: value for name, value in options.items() if value is not None}
