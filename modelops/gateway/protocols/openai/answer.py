"""Whole OpenAI chat answers: read into the canonical one, and written from it."""

from __future__ import annotations

from typing import Any

import msgspec

from modelops.gateway.protocols import conversation as canonical
from modelops.gateway.protocols.adapter import NotAnAnswerError
from modelops.gateway.protocols.conversation import Part, Reasoning, Said, StopReason, Text
from modelops.gateway.protocols.openai.chat import BROKEN
from modelops.gateway.protocols.tool_ids import made_up
from modelops.metering.attempt import Usage

REASONS: dict[str, StopReason] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tools",
    "function_call": "tools",
    "content_filter": "blocked",
}
_WORDS: dict[StopReason, str] = {
    "stop": "stop",
    "stop_sequence": "stop",
    "length": "length",
    "tools": "tool_calls",
    "blocked": "content_filter",
}
SIGNED_FORMAT = "anthropic-claude-v1"
"""OpenRouter's name for reasoning that Anthropic signed, kept here under the same field."""


def read_answer(document: dict[str, Any], usage: Usage) -> Said:
    """Read the first choice; NotAnAnswerError when there is none."""
    choices = document.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(message, dict) or not isinstance(choice, dict):
        raise NotAnAnswerError("the answer has no message")
    if choice.get("error") or choice.get("finish_reason") == BROKEN:
        raise NotAnAnswerError("a choice holds an error")
    answer_id = str(document.get("id") or "")
    parts = [*read_words(message), *_calls(message, answer_id)]
    word = str(choice.get("finish_reason") or "")
    reason = REASONS.get(word, "stop")
    if reason == "stop" and any(isinstance(part, canonical.ToolCall) for part in parts):
        reason = "tools"
    return Said(
        id=answer_id,
        model=str(document.get("model") or ""),
        parts=tuple(parts),
        reason=reason,
        word=word,
        usage=usage,
    )


def read_words(message: dict[str, Any]) -> list[Part]:
    """Return reasoning and text of a message or a delta, in the spellings of all providers."""
    parts: list[Part] = []
    reasoning = message.get("reasoning_content") or message.get("reasoning")
    if isinstance(reasoning, str) and reasoning:
        parts.append(Reasoning(reasoning))
    content = message.get("content") or message.get("refusal")
    if isinstance(content, str) and content:
        parts.append(Text(content))
    for item in content if isinstance(content, list) else ():  # Mistral's typed pieces
        if not isinstance(item, dict):
            continue
        if isinstance(item.get("text"), str):
            parts.append(Text(item["text"]))
        elif isinstance(item.get("thinking"), list):
            thought = [piece.get("text") for piece in item["thinking"] if isinstance(piece, dict)]
            parts.append(Reasoning("".join(words for words in thought if isinstance(words, str))))
    return parts


def _calls(message: dict[str, Any], answer_id: str) -> list[Part]:
    calls = message.get("tool_calls")
    found: list[Part] = []
    for index, call in enumerate(calls if isinstance(calls, list) else ()):
        function = call.get("function") if isinstance(call, dict) else None
        if not isinstance(function, dict):
            raise NotAnAnswerError("a tool call is not a function")
        name = str(function.get("name") or "")
        arguments = function.get("arguments")
        if not isinstance(arguments, str):
            arguments = msgspec.json.encode(arguments or {}).decode()
        call_id = str(call.get("id") or made_up(answer_id, index, name))
        found.append(canonical.ToolCall(call_id, name, arguments or "{}"))
    return found


def write_answer(said: Said, created: int) -> bytes:
    """Return a chat.completion; `created` is Unix time in seconds."""
    words = "".join(part.text for part in said.parts if isinstance(part, Text))
    calls = [part for part in said.parts if isinstance(part, canonical.ToolCall)]
    message: dict[str, Any] = {
        "role": "assistant",
        "content": words if words or not calls else None,
        "refusal": None,
    }
    thought = [part for part in said.parts if isinstance(part, Reasoning)]
    if thought:
        message["reasoning_content"] = "".join(part.text for part in thought)
    if details := [write_detail(part) for part in thought if part.signature or part.sealed]:
        message["reasoning_details"] = details
    if calls:
        message["tool_calls"] = [write_call(call) for call in calls]
    choice = {
        "index": 0,
        "message": message,
        "logprobs": None,
        "finish_reason": _WORDS[said.reason],
    }
    return msgspec.json.encode(
        {
            "id": answer_id(said.id),
            "object": "chat.completion",
            "created": created,
            "model": said.model,
            "choices": [choice],
            "usage": write_usage(said.usage),
        }
    )


def answer_id(upstream_id: str) -> str:
    """Return the id under which OpenAI's clients know an answer."""
    return upstream_id if upstream_id.startswith("chatcmpl-") else f"chatcmpl-{upstream_id}"


def write_detail(part: Reasoning | canonical.ReasoningDelta) -> dict[str, Any]:
    """Return signed reasoning, for the client to send back with the next turn."""
    if part.sealed:
        return {"type": "reasoning.encrypted", "data": part.sealed, "format": SIGNED_FORMAT}
    return {
        "type": "reasoning.text",
        "text": part.text,
        "signature": part.signature,
        "format": SIGNED_FORMAT,
    }


def write_call(call: canonical.ToolCall) -> dict[str, Any]:
    """Return a tool call, Gemini's signature where its own OpenAI layer puts it."""
    written: dict[str, Any] = {
        "id": call.id,
        "type": "function",
        "function": {"name": call.name, "arguments": call.arguments},
    }
    if call.signature:
        written["extra_content"] = {"google": {"thought_signature": call.signature}}
    return written


def write_usage(usage: Usage) -> dict[str, Any] | None:
    """Return usage in OpenAI's words, None when nothing was reported."""
    if usage.input_tokens is None or usage.output_tokens is None:
        return None
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cache_read_tokens or 0},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens or 0},
    }


def finish_word(reason: StopReason) -> str:
    """Return OpenAI's word for why an answer ended."""
    return _WORDS[reason]
