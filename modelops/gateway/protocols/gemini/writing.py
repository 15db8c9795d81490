"""Writing the canonical conversation as a Gemini generateContent request."""

from __future__ import annotations

from typing import Any

import msgspec

from modelops.gateway.protocols import conversation as canonical
from modelops.gateway.protocols.adapter import SYSTEM_BETWEEN, CannotCarryError
from modelops.gateway.protocols.conversation import Conversation, Message, Part, leading_system
from modelops.gateway.protocols.parameters import reasoning_of
from modelops.gateway.protocols.wording import arguments_json, document_text, result_text
from modelops.gateway.table import Target

UNSIGNED = "skip_thought_signature_validator"
"""What goes with calls that Gemini did not make and so did not sign: without a signature Gemini 3
answers 400 (https://ai.google.dev/gemini-api/docs/thought-signatures, "FAQs")."""

_BUDGETS: dict[canonical.Effort, int] = {
    "none": 0,
    "minimal": 512,
    "low": 1024,
    "medium": 8192,
    "high": 24_576,
    "xhigh": 24_576,
    "max": 24_576,
}
"""Tokens of reasoning for an effort, as Google's own OpenAI layer maps them."""

PRO_BUDGET_MIN = 128
"""The least of Gemini 2.5 Pro, which cannot be kept from reasoning
(https://ai.google.dev/gemini-api/docs/thinking)."""

_LEVELS: dict[canonical.Effort, str] = {"none": "low", "minimal": "low", "low": "low"}
_MODES = {"auto": "AUTO", "none": "NONE", "required": "ANY", "tool": "ANY"}


def write_request(conversation: Conversation, target: Target) -> dict[str, Any]:
    """Return the request as JSON-to-be; CannotCarryError for what the protocol has no word for."""
    system, rest = leading_system(conversation.messages)
    fields: dict[str, Any] = {
        "contents": _contents(rest, signed=target.upstream_model.startswith("gemini-3")),
        "tools": _tools(conversation),
        "toolConfig": _tool_config(conversation),
        "generationConfig": _generation(conversation, target) or None,
    }
    if system:
        parts = [written for message in system for part in message.parts for written in _part(part)]
        fields["systemInstruction"] = {"parts": parts}
    return {name: value for name, value in fields.items() if value is not None}


def _contents(messages: list[Message], *, signed: bool) -> list[dict[str, Any]]:
    """Return the turns; those of one role that follow each other become one."""
    contents: list[dict[str, Any]] = []
    for message in messages:
        if message.role == "system":
            raise CannotCarryError(SYSTEM_BETWEEN)
        role = "user" if message.role == "user" else "model"
        parts = [written for part in message.parts for written in _part(part)]
        if signed and role == "model":
            _sign(parts)
        if not parts:
            continue
        if contents and contents[-1]["role"] == role:
            contents[-1]["parts"] += parts
        else:
            contents.append({"role": role, "parts": parts})
    return contents


def _sign(parts: list[dict[str, Any]]) -> None:
    """Mark the first call of a turn, the one that must be signed, when it is not."""
    first = next((part for part in parts if "functionCall" in part), None)
    if first is not None:
        first.setdefault("thoughtSignature", UNSIGNED)


def _part(part: Part) -> list[dict[str, Any]]:
    match part:
        case canonical.Text():
            return [{"text": part.text}] if part.text else []
        case canonical.Image() | canonical.Document():
            return [_media(part)]
        case canonical.ToolCall():
            call = {"functionCall": {"name": part.name, "args": arguments_json(part.arguments)}}
            return [{**call, "thoughtSignature": part.signature} if part.signature else call]
        case canonical.ToolResult():
            return [{"functionResponse": {"name": _named(part), "response": _response(part)}}]
        case canonical.Reasoning():
            return []  # Gemini wants its signatures back, which stand on the calls


def _media(part: canonical.Image | canonical.Document) -> dict[str, Any]:
    if part.url:
        raise CannotCarryError("an image or a document given by URL")
    if isinstance(part, canonical.Document) and part.text:
        return {"text": document_text(part)}
    return {"inlineData": {"mimeType": part.media_type, "data": part.data}}


def _named(result: canonical.ToolResult) -> str:
    if not result.name:
        raise CannotCarryError("the result of a tool that the conversation does not call")
    return result.name


def _response(result: canonical.ToolResult) -> dict[str, Any]:
    """Return a result as the object the API wants; one that is an object already stays as it is."""
    said = result_text(result)
    if result.is_error:
        return {"error": said}
    try:
        decoded = msgspec.json.decode(said)
    except (msgspec.DecodeError, RecursionError):
        decoded = None
    return decoded if isinstance(decoded, dict) else {"result": said}


def _tools(conversation: Conversation) -> list[dict[str, Any]] | None:
    if not conversation.tools:
        return None
    declarations = []
    for tool in conversation.tools:
        written: dict[str, Any] = {"name": tool.name, "description": tool.description}
        if bytes(tool.parameters).strip() not in (b"{}", b"null"):
            written["parametersJsonSchema"] = tool.parameters
        declarations.append(written)
    return [{"functionDeclarations": declarations}]


def _tool_config(conversation: Conversation) -> dict[str, Any] | None:
    """Return what must be called; VALIDATED holds calls to their schema, as `strict` asks."""
    if not conversation.tools:
        return None
    choice = conversation.tool_choice
    mode = _MODES[choice.mode] if choice else "AUTO"
    if mode == "AUTO" and any(tool.strict for tool in conversation.tools):
        mode = "VALIDATED"
    if choice is None and mode == "AUTO":
        return None
    config: dict[str, Any] = {"mode": mode}
    if choice is not None and choice.mode == "tool":
        config["allowedFunctionNames"] = [choice.name]
    return {"functionCallingConfig": config}


def _generation(conversation: Conversation, target: Target) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "maxOutputTokens": conversation.max_tokens,
        "temperature": conversation.temperature,
        "topP": conversation.top_p,
        "topK": conversation.top_k,
        "seed": conversation.seed,
        "presencePenalty": conversation.presence_penalty,
        "frequencyPenalty": conversation.frequency_penalty,
        "stopSequences": list(conversation.stop) or None,
        "thinkingConfig": _thinking(conversation.thinking, target),
    }
    if conversation.format is not None:
        fields["responseMimeType"] = "application/json"
        fields["responseJsonSchema"] = conversation.format.schema
    return {name: value for name, value in fields.items() if value is not None}


def _thinking(asked: canonical.Thinking | None, target: Target) -> dict[str, Any] | None:
    thinking = reasoning_of(asked, target)
    if thinking is None:
        return None
    shown = thinking.effort != "none"
    if target.upstream_model.startswith("gemini-3") and thinking.effort is not None:
        level = _LEVELS.get(thinking.effort, "high")
        return {"thinkingLevel": level, "includeThoughts": shown}
    if thinking.effort == "none" and "2.5-pro" in target.upstream_model:
        return {"thinkingBudget": PRO_BUDGET_MIN, "includeThoughts": False}
    budget = thinking.budget or (_BUDGETS[thinking.effort] if thinking.effort else -1)
    return {"thinkingBudget": budget, "includeThoughts": shown}
