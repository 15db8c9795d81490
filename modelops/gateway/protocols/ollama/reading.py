"""Reading Ollama's answers: an object, or one object a line until `"done": true`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from modelops.gateway.protocols import conversation as canonical
from modelops.gateway.protocols import sse
from modelops.gateway.protocols.adapter import NotAnAnswerError
from modelops.gateway.protocols.answers import decode_object, text_size
from modelops.gateway.protocols.conversation import Event, Part, Reasoning, Said, StopReason, Text
from modelops.gateway.protocols.passing import PassingStream
from modelops.gateway.protocols.tool_ids import made_up
from modelops.metering.attempt import Usage

_REASONS: dict[str, StopReason] = {"length": "length"}


def read_answer(document: dict[str, Any], usage: Usage) -> Said:
    """Read a whole answer; NotAnAnswerError when it has no message."""
    if not isinstance(document.get("message"), dict):
        raise NotAnAnswerError("the answer has no message")
    answer_id = _id(document)
    parts = tuple(_parts(document, answer_id, 0))
    calls = any(isinstance(part, canonical.ToolCall) for part in parts)
    return Said(
        id=answer_id,
        model=str(document.get("model") or ""),
        parts=parts,
        reason=_reason(document, calls=calls),
        word=_word(document),
        usage=usage,
    )


def _id(document: dict[str, Any]) -> str:
    """Return an id for an answer, which comes without one: derived from when it was made."""
    return made_up(str(document.get("created_at") or ""), 0, "").removeprefix("call_")


def _word(document: dict[str, Any]) -> str:
    return str(document.get("done_reason") or "stop")


def _reason(document: dict[str, Any], *, calls: bool) -> StopReason:
    reason = _REASONS.get(str(document.get("done_reason")), "stop")
    return "tools" if reason == "stop" and calls else reason


def _parts(document: dict[str, Any], answer_id: str, calls: int) -> Iterator[Part]:
    message = document.get("message")
    if not isinstance(message, dict):
        return
    if message.get("thinking"):
        yield Reasoning(str(message["thinking"]))
    if message.get("content"):
        yield Text(str(message["content"]))
    listed = message.get("tool_calls")
    for call in listed if isinstance(listed, list) else ():
        function = call.get("function") if isinstance(call, dict) else None
        if not isinstance(function, dict):
            raise NotAnAnswerError("a tool call is not a function")
        name = str(function.get("name") or "")
        arguments = msgspec.json.encode(function.get("arguments") or {}).decode()
        call_id = str(call.get("id") or made_up(answer_id, calls, name))
        yield canonical.ToolCall(call_id, name, arguments)
        calls += 1


class OllamaStream(PassingStream[dict[str, Any]]):
    """Watches lines until the one that is done."""

    def __init__(self) -> None:
        super().__init__("ollama", decode_object, sse.Splitter(sse.LINE_END))

    def feed(self, piece: bytes) -> bytes:
        """Look at the lines in a piece, which are no server-sent events."""
        return self.cut(piece)

    def data(self, frame: bytes) -> bytes:
        """Return the JSON of a line."""
        return frame.strip()

    def see(self, event: dict[str, Any], data: bytes, frame: bytes) -> bytes:
        """Note content, the end, usage and errors of one line."""
        if event.get("error"):
            self.failure = data
        message = event.get("message")
        if isinstance(message, dict) and any(
            message.get(name) for name in ("content", "thinking", "tool_calls")
        ):
            self.content = True
            self.size += text_size({**message, "role": ""})
        self.usage.feed(event)
        if event.get("done"):
            self.content = self.done = True
            self.finish_reason = _word(event)
        return frame


class OllamaReader:
    """Reads lines into canonical events."""

    def __init__(self) -> None:
        self._id = ""
        self._calls = 0

    def read(self, event: dict[str, Any]) -> Iterator[Event]:
        """Yield what a line says."""
        if not self._id:
            self._id = _id(event)
            yield canonical.Begun(self._id, str(event.get("model") or ""))
        for part in _parts(event, self._id, self._calls):
            match part:
                case Text():
                    yield canonical.TextDelta(part.text)
                case Reasoning():
                    yield canonical.ReasoningDelta(part.text)
                case canonical.ToolCall():
                    yield canonical.ToolBegun(self._calls, part.id, part.name)
                    yield canonical.ArgumentsDelta(self._calls, part.arguments)
                    self._calls += 1
        if event.get("done"):
            yield canonical.Stopped(_reason(event, calls=self._calls > 0))
