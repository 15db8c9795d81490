"""Writing the canonical conversation as an OpenAI chat request."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import msgspec

from modelops.gateway.protocols import conversation as canonical
from modelops.gateway.protocols.adapter import CannotCarryError
from modelops.gateway.protocols.conversation import Conversation, Message, Part
from modelops.gateway.protocols.models import (
    least_effort,
    most_effort,
    samples,
    takes_reasoning_back,
)
from modelops.gateway.protocols.openai import strict
from modelops.gateway.protocols.openai.answer import write_call
from modelops.gateway.protocols.parameters import reasoning_of
from modelops.gateway.protocols.tool_ids import portable
from modelops.gateway.protocols.wording import document_text, result_text
from modelops.gateway.table import Target

STOPS_MAX = 4
"""Stop strings the API takes."""

USER_MAX = 64
"""Characters of a user's id that the API takes
(https://platform.openai.com/docs/api-reference/chat/create#chat_create-safety_identifier, which
replaces `user`, and advises to hash it)."""

_BUDGETS: tuple[tuple[int, canonical.Effort], ...] = ((2048, "low"), (10_000, "medium"))
"""Reasoning budgets of other protocols, in tokens, up to which an effort stands for them."""


def write_request(conversation: Conversation, target: Target) -> dict[str, Any]:
    """Return the request as JSON-to-be; CannotCarryError for what the protocol has no word for."""
    if conversation.top_k is not None:
        raise CannotCarryError("`top_k`")
    if len(conversation.stop) > STOPS_MAX:
        raise CannotCarryError(f"more than {STOPS_MAX} stop sequences")
    limit = target.provider.token_limit_field
    sampling = samples(target.upstream_model)
    reasons = takes_reasoning_back(target.upstream_model)
    fields: dict[str, Any] = {
        "model": target.upstream_model,
        "messages": [
            line for message in conversation.messages for line in _lines(message, reasons)
        ],
        limit: conversation.max_tokens,
        "temperature": conversation.temperature if sampling else None,
        "top_p": conversation.top_p if sampling else None,
        "seed": conversation.seed,
        "presence_penalty": conversation.presence_penalty,
        "frequency_penalty": conversation.frequency_penalty,
        "stop": list(conversation.stop) or None,
        "tools": [_tool(tool) for tool in conversation.tools] or None,
        "tool_choice": _tool_choice(conversation.tool_choice),
        "parallel_tool_calls": conversation.parallel_tools if conversation.tools else None,
        "response_format": _format(conversation.format),
        "reasoning_effort": _effort(conversation.thinking, target),
        "user": _user(conversation.user),
    }
    if conversation.stream:
        fields["stream"] = True
        fields["stream_options"] = {"include_usage": True}
    return {name: value for name, value in fields.items() if value is not None}


def _user(user: str) -> str | None:
    return hashlib.sha256(user.encode()).hexdigest() if len(user) > USER_MAX else user or None


def _lines(message: Message, reasons: bool) -> list[dict[str, Any]]:
    """Return one turn as messages: results of tools are messages of their own, and come first.

    `reasons`: a turn of the model goes with its reasoning, even if it has none.
    """
    if message.role == "assistant":
        line = _assistant(message)
        return [line | {"reasoning_content": _unsigned(message)} if reasons else line]
    results = [part for part in message.parts if isinstance(part, canonical.ToolResult)]
    rest = [part for part in message.parts if not isinstance(part, canonical.ToolResult)]
    lines: list[dict[str, Any]] = [
        {"role": "tool", "tool_call_id": portable(result.id), "content": _result(result)}
        for result in results
    ]
    if rest or not results:
        lines.append({"role": message.role, "content": _content(rest)})
    return lines


def _assistant(message: Message) -> dict[str, Any]:
    calls = [part for part in message.parts if isinstance(part, canonical.ToolCall)]
    line: dict[str, Any] = {"role": "assistant", "content": None}
    words = [part.text for part in message.parts if isinstance(part, canonical.Text)]
    if words or not calls:
        line["content"] = "".join(words)
    if any(isinstance(part, canonical.Image | canonical.Document) for part in message.parts):
        raise CannotCarryError("an image or a document in a turn of the model")
    if calls:
        line["tool_calls"] = [_call(call) for call in calls]
    return line


def _unsigned(message: Message) -> str:
    """Return the reasoning of a turn, but for what another provider signed."""
    parts = [part for part in message.parts if isinstance(part, canonical.Reasoning)]
    return "".join(part.text for part in parts if not (part.signature or part.sealed))


def _call(call: canonical.ToolCall) -> dict[str, Any]:
    """Return a call without the signature, which means nothing to other providers."""
    return write_call(msgspec.structs.replace(call, id=portable(call.id), signature=""))


def _result(result: canonical.ToolResult) -> str:
    said = result_text(result)
    return f"Error: {said}" if result.is_error else said


def _content(parts: Sequence[Part]) -> str | list[dict[str, Any]]:
    if all(isinstance(part, canonical.Text) for part in parts) and len(parts) <= 1:
        return "".join(part.text for part in parts if isinstance(part, canonical.Text))
    return [_part(part) for part in parts]


def _part(part: Part) -> dict[str, Any]:
    if isinstance(part, canonical.Text):
        return {"type": "text", "text": part.text}
    if isinstance(part, canonical.Image):
        image = {"url": part.url or f"data:{part.media_type};base64,{part.data}"}
        if part.detail:
            image["detail"] = part.detail
        return {"type": "image_url", "image_url": image}
    if isinstance(part, canonical.Document):
        if part.text:
            return {"type": "text", "text": document_text(part)}
        if part.url:
            raise CannotCarryError("a document given by URL")
        data = f"data:{part.media_type};base64,{part.data}"
        return {"type": "file", "file": {"filename": part.name or "file", "file_data": data}}
    raise CannotCarryError("reasoning or a tool call in a turn of the user")


def _tool(tool: canonical.Tool) -> dict[str, Any]:
    function: dict[str, Any] = {"name": tool.name, "parameters": tool.parameters}
    if tool.description:
        function["description"] = tool.description
    if tool.strict and strict.accepts(tool.parameters):
        function["strict"] = True
    return {"type": "function", "function": function}


def _tool_choice(choice: canonical.ToolChoice | None) -> str | dict[str, Any] | None:
    if choice is None:
        return None
    if choice.mode == "tool":
        return {"type": "function", "function": {"name": choice.name}}
    return choice.mode


def _format(wanted: canonical.Format | None) -> dict[str, Any] | None:
    if wanted is None:
        return None
    if wanted.schema is None:
        return {"type": "json_object"}
    held = wanted.strict and strict.accepts(wanted.schema)
    schema = {"name": wanted.name, "schema": wanted.schema, "strict": held}
    return {"type": "json_schema", "json_schema": schema}


def _effort(asked: canonical.Thinking | None, target: Target) -> str | None:
    """Return the effort a reasoning model is asked for."""
    thinking = reasoning_of(asked, target)
    if thinking is None:
        return None
    if thinking.effort == "none":
        return least_effort(target.upstream_model)
    if thinking.effort in ("xhigh", "max"):
        return most_effort(target.upstream_model)
    if thinking.effort is not None or not thinking.budget:
        return thinking.effort
    return next((effort for most, effort in _BUDGETS if thinking.budget <= most), "high")
