"""OpenAI chat streams: chunks read into canonical events, and written from them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from modelops.gateway.protocols import conversation as canonical
from modelops.gateway.protocols.conversation import Event, Reasoning, Text
from modelops.gateway.protocols.openai import answer
from modelops.gateway.protocols.openai.chat import Chunk
from modelops.gateway.protocols.tool_ids import made_up
from modelops.metering.attempt import Usage


class ChunkReader:
    """Reads chat.completion.chunk events. Providers count calls from 0 or 1, or not at all."""

    def __init__(self) -> None:
        self._id = ""
        self._begun = False
        self._calls: dict[str, int] = {}

    def read(self, chunk: Chunk) -> Iterator[Event]:
        """Yield what a chunk says."""
        if not self._begun and chunk.id:
            self._begun = True
            self._id = str(chunk.id)
            yield canonical.Begun(self._id, str(chunk.model or ""))
        choices = chunk.choices
        choice = choices[0] if isinstance(choices, list) and choices else None
        if not isinstance(choice, dict):
            return
        delta = choice.get("delta")
        if isinstance(delta, dict):
            for part in answer.read_words(delta):
                if isinstance(part, Text):
                    yield canonical.TextDelta(part.text)
                elif isinstance(part, Reasoning):
                    yield canonical.ReasoningDelta(part.text)
            calls = delta.get("tool_calls")
            for call in calls if isinstance(calls, list) else ():
                if isinstance(call, dict):
                    yield from self._call(call)
        if choice.get("finish_reason"):
            reason = answer.REASONS.get(str(choice["finish_reason"]), "stop")
            yield canonical.Stopped("tools" if reason == "stop" and self._calls else reason)

    def _call(self, call: dict[str, Any]) -> Iterator[Event]:
        function = call.get("function")
        fields = function if isinstance(function, dict) else {}
        name = str(fields.get("name") or "")
        key = str(call.get("index", call.get("id") or len(self._calls)))
        if key not in self._calls:
            index = self._calls[key] = len(self._calls)
            call_id = str(call.get("id") or made_up(self._id, index, name))
            yield canonical.ToolBegun(index, call_id, name)
        arguments = fields.get("arguments")
        if isinstance(arguments, dict):
            arguments = msgspec.json.encode(arguments).decode()
        if isinstance(arguments, str) and arguments:
            yield canonical.ArgumentsDelta(self._calls[key], arguments)


class ChunkWriter:
    """Writes chat.completion.chunk events; `show_usage`: the client asked for the report."""

    def __init__(self, created: int, *, show_usage: bool) -> None:
        self._created = created
        self._show_usage = show_usage
        self._head = self._head_of("", "")
        self._begun = False
        self._without_arguments: set[int] = set()
        self._stopped: canonical.Stopped | None = None

    def write(self, event: Event) -> bytes:
        """Return the chunks an event makes; the last ones wait for `end`."""
        match event:
            case canonical.TextDelta():
                return self._delta({"content": event.text})
            case canonical.Begun():
                self._head = self._head_of(answer.answer_id(event.id), event.model)
                return b""
            case canonical.ReasoningDelta():
                delta: dict[str, Any] = {}
                if event.text:
                    delta["reasoning_content"] = event.text
                if event.signature or event.sealed:
                    delta["reasoning_details"] = [answer.write_detail(event)]
                return self._delta(delta) if delta else b""
            case canonical.ToolBegun():
                self._without_arguments.add(event.index)
                call = canonical.ToolCall(event.id, event.name, "", event.signature)
                return self._delta(
                    {"tool_calls": [{"index": event.index, **answer.write_call(call)}]}
                )
            case canonical.ArgumentsDelta():
                self._without_arguments.discard(event.index)
                return self._arguments(event.index, event.text)
            case canonical.Stopped():
                self._stopped = event
                return b""

    def end(self, usage: Usage) -> bytes:
        """Return the finish chunk, the usage that was asked for, and `[DONE]`."""
        reason = answer.finish_word(self._stopped.reason if self._stopped else "stop")
        # Clients decode the arguments of every call; Anthropic streams none for a call without.
        out = b"".join(self._arguments(index, "{}") for index in sorted(self._without_arguments))
        out += self._delta({}, reason)
        if self._show_usage:
            report = msgspec.json.encode(answer.write_usage(usage))
            out += b'%b],"usage":%b}\n\n' % (self._head, report)
        return out + b"data: [DONE]\n\n"

    def _arguments(self, index: int, text: str) -> bytes:
        return self._delta({"tool_calls": [{"index": index, "function": {"arguments": text}}]})

    def _delta(self, delta: dict[str, Any], reason: str | None = None) -> bytes:
        if not self._begun:
            self._begun = True
            if "content" not in delta:
                delta = {"content": None, **delta}
            delta = {"role": "assistant", **delta}
        return b'%b{"index":0,"delta":%b,"finish_reason":%b}]}\n\n' % (
            self._head,
            msgspec.json.encode(delta),
            msgspec.json.encode(reason),
        )

    def _head_of(self, chunk_id: str, model: str) -> bytes:
        """Return what every chunk begins with, up to its choices."""
        fields = {
            "id": chunk_id,
            "object": "chat.completion.chunk",
            "created": self._created,
            "model": model,
        }
        return b'data: %b,"choices":[' % msgspec.json.encode(fields)[:-1]
