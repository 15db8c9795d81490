"""Reading Gemini's answers: whole ones, and streams of small whole ones.

A stream has no end marker; it is over when the connection ends after a finish reason. Every
chunk holds whole parts, tool calls included.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from modelops.gateway.protocols import conversation as canonical
from modelops.gateway.protocols.adapter import NotAnAnswerError
from modelops.gateway.protocols.answers import decode_object, text_size
from modelops.gateway.protocols.conversation import Event, Part, Reasoning, Said, StopReason, Text
from modelops.gateway.protocols.passing import PassingStream
from modelops.gateway.protocols.tool_ids import made_up
from modelops.metering.attempt import Usage

REASONS: dict[str, StopReason] = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "SAFETY": "blocked",
    "RECITATION": "blocked",
    "BLOCKLIST": "blocked",
    "PROHIBITED_CONTENT": "blocked",
    "SPII": "blocked",
    "IMAGE_SAFETY": "blocked",
    "IMAGE_PROHIBITED_CONTENT": "blocked",
    "LANGUAGE": "blocked",
}


def read_answer(document: dict[str, Any], usage: Usage) -> Said:
    """Read the first candidate, or that the prompt was blocked; else NotAnAnswerError."""
    answer_id = str(document.get("responseId") or "")
    parts = tuple(read_parts(document, answer_id, 0))
    reason = read_reason(document)
    if reason is None:
        raise NotAnAnswerError("the answer has no finish reason")
    if reason == "stop" and any(isinstance(part, canonical.ToolCall) for part in parts):
        reason = "tools"
    return Said(
        id=answer_id,
        model=str(document.get("modelVersion") or ""),
        parts=parts,
        reason=reason,
        word=read_word(document),
        usage=usage,
    )


def read_parts(document: dict[str, Any], answer_id: str, calls: int) -> Iterator[Part]:
    """Yield the parts of the first candidate; `calls` counts the tool calls before them."""
    content = _candidate(document).get("content")
    parts = content.get("parts") if isinstance(content, dict) else None
    for part in parts if isinstance(parts, list) else ():
        match part:
            case {"functionCall": dict(call)}:
                name = str(call.get("name") or "")
                call_id = str(call.get("id") or made_up(answer_id, calls, name))
                calls += 1
                arguments = msgspec.json.encode(call.get("args") or {}).decode()
                signature = str(part.get("thoughtSignature") or "")
                yield canonical.ToolCall(call_id, name, arguments, signature)
            case {"text": str(text), "thought": True}:
                yield Reasoning(text, origin="gemini")
            case {"text": str(text)}:
                if text:
                    yield Text(text)
            case {"thoughtSignature": str()}:
                continue  # signs a text; Google wants back only those of calls
            case _:
                raise NotAnAnswerError("the answer holds a part that is neither text nor a call")


def read_word(document: dict[str, Any]) -> str:
    """Return why an answer ended, or its prompt was blocked, in Gemini's word; '' while neither."""
    feedback = document.get("promptFeedback")
    blocked = feedback.get("blockReason") if isinstance(feedback, dict) else None
    return str(_candidate(document).get("finishReason") or blocked or "")


def read_reason(document: dict[str, Any]) -> StopReason | None:
    """Return why an answer ended, None while it has not; NotAnAnswerError when it broke."""
    word = _candidate(document).get("finishReason")
    if word is None:
        return "blocked" if read_word(document) else None
    if word not in REASONS:  # MALFORMED_FUNCTION_CALL and its like: the model's own fault
        raise NotAnAnswerError(f"the answer ended with {word}")
    return REASONS[word]


def _candidate(document: dict[str, Any]) -> dict[str, Any]:
    candidates = document.get("candidates")
    first = candidates[0] if isinstance(candidates, list) and candidates else None
    return first if isinstance(first, dict) else {}


class GeminiStream(PassingStream[dict[str, Any]]):
    """Watches a stream of generateContent chunks."""

    def __init__(self) -> None:
        super().__init__("gemini", decode_object)

    def see(self, event: dict[str, Any], data: bytes, frame: bytes) -> bytes:
        """Note content, finish reason, usage and errors of one chunk."""
        if event.get("error"):
            self.failure = data
        candidate = _candidate(event)
        content = candidate.get("content")
        if isinstance(content, dict) and content.get("parts"):
            self.content = True
            self.size += text_size(content["parts"])
        if word := read_word(event):
            self.content = True
            self.finish_reason = word
        self.usage.feed(event)
        return frame


class GeminiReader:
    """Reads chunks into canonical events."""

    def __init__(self) -> None:
        self._id = ""
        self._calls = 0

    def read(self, event: dict[str, Any]) -> Iterator[Event]:
        """Yield what a chunk says."""
        if not self._id and event.get("responseId"):
            self._id = str(event["responseId"])
            yield canonical.Begun(self._id, str(event.get("modelVersion") or ""))
        for part in read_parts(event, self._id, self._calls):
            match part:
                case Text():
                    yield canonical.TextDelta(part.text)
                case Reasoning():
                    yield canonical.ReasoningDelta(part.text, origin="gemini")
                case canonical.ToolCall():
                    yield canonical.ToolBegun(self._calls, part.id, part.name, part.signature)
                    yield canonical.ArgumentsDelta(self._calls, part.arguments)
                    self._calls += 1
        reason = read_reason(event)
        if reason is not None:
            yield canonical.Stopped("tools" if reason == "stop" and self._calls else reason)
