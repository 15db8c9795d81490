"""Whole Anthropic answers: read into the canonical one, and written from it."""

from __future__ import annotations

from typing import Any

import msgspec

from modelops.gateway.protocols import conversation as canonical
from modelops.gateway.protocols.adapter import NotAnAnswerError
from modelops.gateway.protocols.conversation import Part, Reasoning, Said, StopReason, Text
from modelops.gateway.protocols.tool_ids import portable
from modelops.gateway.protocols.wording import arguments_json, read_object
from modelops.metering.attempt import Usage

REASONS: dict[str, StopReason] = {
    "end_turn": "stop",
    "pause_turn": "stop",
    "stop_sequence": "stop_sequence",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tools",
    "refusal": "blocked",
}
WORDS: dict[StopReason, str] = {
    "stop": "end_turn",
    "stop_sequence": "stop_sequence",
    "length": "max_tokens",
    "tools": "tool_use",
    "blocked": "refusal",
}
FOREIGN = "gemini:"
"""Marks a sealed thought that holds Gemini's signature of the call that follows it: a client that
speaks Anthropic's protocol has no other place to keep it in."""


def read_answer(document: dict[str, Any], usage: Usage) -> Said:
    """Read an answer; NotAnAnswerError when it holds no content."""
    content = document.get("content")
    if not isinstance(content, list):
        raise NotAnAnswerError("the answer has no content")
    word = str(document.get("stop_reason") or "")
    return Said(
        id=str(document.get("id") or ""),
        model=str(document.get("model") or ""),
        parts=tuple(_part(block) for block in content if isinstance(block, dict)),
        reason=REASONS.get(word, "stop"),
        word=word,
        stop_sequence=document.get("stop_sequence"),
        usage=usage,
    )


def _part(block: dict[str, Any]) -> Part:
    match block.get("type"):
        case "text":
            return Text(str(block.get("text") or ""))
        case "thinking":
            signature = str(block.get("signature") or "")
            return Reasoning(str(block.get("thinking") or ""), signature, "", "anthropic")
        case "redacted_thinking":
            return Reasoning("", "", str(block.get("data") or ""), "anthropic")
        case "tool_use":
            arguments = msgspec.json.encode(block.get("input") or {}).decode()
            return canonical.ToolCall(str(block.get("id")), str(block.get("name")), arguments)
        case kind:
            raise NotAnAnswerError(f"the answer holds a block of type {kind!r}")


def write_answer(said: Said) -> bytes:
    """Return a message."""
    return msgspec.json.encode(
        {
            "id": answer_id(said.id),
            "type": "message",
            "role": "assistant",
            "model": said.model,
            "content": [block for part in said.parts for block in _blocks(part, said.reason)],
            "stop_reason": WORDS[said.reason],
            "stop_sequence": said.stop_sequence,
            "usage": write_usage(said.usage),
        }
    )


def answer_id(upstream_id: str) -> str:
    """Return the id under which Anthropic's clients know an answer."""
    return upstream_id if upstream_id.startswith("msg_") else f"msg_{upstream_id}"


def _blocks(part: Part, reason: StopReason) -> list[dict[str, Any]]:
    match part:
        case Text():
            return [{"type": "text", "text": part.text}]
        case Reasoning(sealed=sealed) if sealed:
            return [{"type": "redacted_thinking", "data": sealed}]
        case Reasoning():
            return [{"type": "thinking", "thinking": part.text, "signature": part.signature}]
        case canonical.ToolCall():
            call = {
                "type": "tool_use",
                "id": portable(part.id),
                "name": part.name,
                "input": _arguments(part, reason),
            }
            return [*sealed_signature(part.signature), call]
        case _:
            raise NotAnAnswerError("the answer holds what a message cannot")


def sealed_signature(signature: str) -> list[dict[str, Any]]:
    """Return the block that keeps Gemini's signature of a call, if there is one."""
    return [{"type": "redacted_thinking", "data": FOREIGN + signature}] if signature else []


def _arguments(call: canonical.ToolCall, reason: StopReason) -> msgspec.Raw:
    """Return a call's arguments; NotAnAnswerError when the model wrote none and was not cut off."""
    arguments = read_object(call.arguments)
    if arguments is None and reason != "length":
        raise NotAnAnswerError("the arguments of a tool call are not a JSON object")
    return arguments or arguments_json(call.arguments)


def write_usage(usage: Usage) -> dict[str, Any]:
    """Return usage in Anthropic's words: input without what came from or went to the cache."""
    read, written = usage.cache_read_tokens or 0, usage.cache_write_tokens or 0
    hour = usage.cache_write_1h_tokens or 0
    return {
        "input_tokens": max(0, (usage.input_tokens or 0) - read - written - hour),
        "cache_creation_input_tokens": written + hour,
        "cache_read_input_tokens": read,
        "output_tokens": usage.output_tokens or 0,
    }
