"""Anthropic streams: named events read into canonical ones, and written from them."""

from __future__ import annotations

from typing import Any

import msgspec

from modelops.gateway.protocols import conversation as canonical
from modelops.gateway.protocols.anthropic import answer
from modelops.gateway.protocols.anthropic.messages import MessageEvent
from modelops.gateway.protocols.conversation import Event
from modelops.gateway.protocols.tool_ids import portable
from modelops.metering.attempt import NO_USAGE, Usage


class MessageEventReader:
    """Reads message_start to message_stop. Blocks are counted from 0, calls apart."""

    def __init__(self) -> None:
        self._calls: dict[str, int] = {}

    def read(self, event: MessageEvent) -> tuple[Event, ...]:
        """Return what an event says."""
        match event:
            case MessageEvent(type="content_block_delta", delta=dict(delta)):
                return self._delta(str(event.index), delta)
            case MessageEvent(type="message_start", message=dict(message)):
                return (canonical.Begun(str(message.get("id")), str(message.get("model"))),)
            case MessageEvent(type="content_block_start", content_block=dict(block)):
                return self._block(str(event.index), block)
            case MessageEvent(type="message_delta", delta=dict(delta)):
                reason = answer.REASONS.get(str(delta.get("stop_reason")), "stop")
                return (canonical.Stopped(reason, delta.get("stop_sequence")),)
        return ()

    def _block(self, index: str, block: dict[str, Any]) -> tuple[Event, ...]:
        match block.get("type"):
            case "tool_use":
                call = self._calls[index] = len(self._calls)
                return (canonical.ToolBegun(call, str(block.get("id")), str(block.get("name"))),)
            case "redacted_thinking":
                sealed = str(block.get("data") or "")
                return (canonical.ReasoningDelta(sealed=sealed, origin="anthropic"),)
            case "text" if block.get("text"):
                return (canonical.TextDelta(str(block["text"])),)
        return ()

    def _delta(self, index: str, delta: dict[str, Any]) -> tuple[Event, ...]:
        match delta:
            case {"type": "text_delta", "text": str(text)}:
                return (canonical.TextDelta(text),)
            case {"type": "thinking_delta", "thinking": str(text)}:
                return (canonical.ReasoningDelta(text, origin="anthropic"),)
            case {"type": "signature_delta", "signature": str(signature)}:
                return (canonical.ReasoningDelta(signature=signature, origin="anthropic"),)
            case {"type": "input_json_delta", "partial_json": str(text)} if text:
                if index in self._calls:
                    return (canonical.ArgumentsDelta(self._calls[index], text),)
        return ()


class MessageEventWriter:
    """Writes named events. A block ends where the next begins; calls may flow side by side."""

    def __init__(self) -> None:
        self._begun = False
        self._id = ""
        self._model = ""
        self._blocks = 0
        self._open = ""
        self._calls: dict[int, int] = {}
        self._stopped: canonical.Stopped | None = None

    def write(self, event: Event) -> bytes:
        """Return the events an event makes; the last ones wait for `end`."""
        match event:
            case canonical.TextDelta():
                delta = {"type": "text_delta", "text": event.text}
                return self._in_block("text", {"type": "text", "text": ""}, delta)
            case canonical.Begun():
                self._id, self._model = event.id, event.model
                return self._begin()
            case canonical.ReasoningDelta():
                return self._reasoning(event)
            case canonical.ToolBegun():
                return self._tool(event)
            case canonical.ArgumentsDelta():
                delta = {"type": "input_json_delta", "partial_json": event.text}
                return self._event(
                    "content_block_delta", index=self._calls[event.index], delta=delta
                )
            case canonical.Stopped():
                self._stopped = event
                return b""

    def end(self, usage: Usage) -> bytes:
        """Return the events that end the message: reason, usage, message_stop."""
        reason = self._stopped.reason if self._stopped else "stop"
        delta = {
            "stop_reason": answer.WORDS[reason],
            "stop_sequence": self._stopped.stop_sequence if self._stopped else None,
        }
        out = self._begin() + self._close()
        for index in self._calls.values():
            out += self._event("content_block_stop", index=index)
        out += self._event("message_delta", delta=delta, usage=answer.write_usage(usage))
        return out + self._event("message_stop")

    def _begin(self) -> bytes:
        if self._begun:
            return b""
        self._begun = True
        message: dict[str, Any] = {
            "id": answer.answer_id(self._id),
            "type": "message",
            "role": "assistant",
            "model": self._model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": answer.write_usage(NO_USAGE),
        }
        return self._event("message_start", message=message)

    def _reasoning(self, event: canonical.ReasoningDelta) -> bytes:
        if event.sealed:
            return self._sealed({"type": "redacted_thinking", "data": event.sealed})
        empty = {"type": "thinking", "thinking": "", "signature": ""}
        out = b""
        if event.text:
            delta = {"type": "thinking_delta", "thinking": event.text}
            out += self._in_block("thinking", empty, delta)
        if event.signature:
            delta = {"type": "signature_delta", "signature": event.signature}
            out += self._in_block("thinking", empty, delta)
        return out

    def _tool(self, event: canonical.ToolBegun) -> bytes:
        out = self._begin() + self._close()
        for block in answer.sealed_signature(event.signature):
            out += self._sealed(block)
        index = self._calls[event.index] = self._blocks
        self._blocks += 1
        block = {"type": "tool_use", "id": portable(event.id), "name": event.name, "input": {}}
        return out + self._event("content_block_start", index=index, content_block=block)

    def _sealed(self, block: dict[str, Any]) -> bytes:
        out = self._begin() + self._close()
        index, self._blocks = self._blocks, self._blocks + 1
        out += self._event("content_block_start", index=index, content_block=block)
        return out + self._event("content_block_stop", index=index)

    def _in_block(self, kind: str, empty: dict[str, Any], delta: dict[str, Any]) -> bytes:
        out = self._begin()
        if self._open != kind:
            out += self._close()
            self._open = kind
            out += self._event("content_block_start", index=self._blocks, content_block=empty)
            self._blocks += 1
        return out + self._event("content_block_delta", index=self._blocks - 1, delta=delta)

    def _close(self) -> bytes:
        """End the open block of text or reasoning."""
        if not self._open:
            return b""
        self._open = ""
        return self._event("content_block_stop", index=self._blocks - 1)

    def _event(self, name: str, **fields: Any) -> bytes:
        data = msgspec.json.encode({"type": name, **fields})
        return b"event: %b\ndata: %b\n\n" % (name.encode(), data)
