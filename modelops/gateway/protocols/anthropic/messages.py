"""`/v1/messages` and its token count to targets that speak the Anthropic protocol: bytes pass.

Only the model's name changes, what the agent sets for requests that leave it out, and what
Anthropic would refuse of another provider's: its thoughts, and a budget for thinking in a tool loop
it began. The headers that choose version and beta features go on as the client sent them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from modelops.gateway.body import Body, Fields
from modelops.gateway.protocols.adapter import Answer, NotAnAnswerError, Outgoing, forwarded
from modelops.gateway.protocols.answers import decode_answer, text_size
from modelops.gateway.protocols.anthropic.foreign import budget_refused, without_foreign_thoughts
from modelops.gateway.protocols.limits import without_thinking
from modelops.gateway.protocols.parameters import fill_in
from modelops.gateway.protocols.passing import PassingStream
from modelops.gateway.table import Target
from modelops.metering.attempt import NOTHING_USED
from modelops.metering.usage import whole_usage
from modelops.resources.resolved import Parameters

FORWARDED = (b"anthropic-version", b"anthropic-beta", b"traceparent", b"tracestate")
VERSION = b"anthropic-version: 2023-06-01\r\n"
"""Sent for a client that names none: the API answers 400 without it
(https://docs.anthropic.com/en/api/versioning)."""


def version_headers(headers: Mapping[bytes, bytes]) -> bytes:
    """Return the header lines for a request to an Anthropic target."""
    lines = forwarded(headers, FORWARDED)
    return lines if b"anthropic-version" in headers else VERSION + lines


def _fields(body: Body, target: Target) -> Fields:
    fields = {**body.fields, "model": target.upstream_json}
    if "messages" in fields:
        fields["messages"] = without_foreign_thoughts(fields["messages"])
        if "thinking" in fields and budget_refused(fields["thinking"], fields["messages"]):
            without_thinking(fields)
    return fields


class AnthropicMessages:
    """Implements `adapter.Adapter`."""

    native = True

    def outgoing(
        self,
        body: Body,
        headers: Mapping[bytes, bytes],
        target: Target,
        parameters: Parameters | None,
    ) -> Outgoing:
        """Return the request with the target's model in it."""
        fields = _fields(body, target)
        names = ("max_tokens",)
        fill_in(fields, body, parameters, target, limit_names=names, limit_name="max_tokens")
        return Outgoing(
            target.provider.prefix + "/v1/messages",
            version_headers(headers),
            msgspec.json.encode(fields),
        )

    def answer(self, content: bytes, body: Body) -> Answer:
        """Look for usage, and for an error despite a good status."""
        document = decode_answer(content)
        if not isinstance(document.get("content"), list):
            raise NotAnAnswerError("the answer has no content")
        usage, tier = whole_usage("anthropic", document)
        return Answer(content, usage, tier, str(document.get("stop_reason") or ""))

    def stream(self, body: Body) -> AnthropicMessagesStream:
        """Return a reader for one stream."""
        return AnthropicMessagesStream()


class MessageEvent(msgspec.Struct, gc=False):
    """What is looked at of an event of a messages stream, whatever its types."""

    type: Any = None
    index: Any = None
    delta: Any = None
    content_block: Any = None
    message: Any = None
    error: Any = None
    usage: Any = None


_DECODE_EVENT = msgspec.json.Decoder(MessageEvent).decode


class AnthropicMessagesStream(PassingStream[MessageEvent]):
    """Reads message_start to message_stop."""

    def __init__(self) -> None:
        super().__init__("anthropic", _DECODE_EVENT)

    def see(self, event: MessageEvent, data: bytes, frame: bytes) -> bytes:
        """Note content, stop reason, usage and errors of one event."""
        kind = event.type
        if kind == "content_block_delta":
            self.content = True
            if type(event.delta) is dict:
                for name, value in event.delta.items():
                    if name != "type":
                        self.size += len(value) if type(value) is str else text_size(value)
        elif kind == "content_block_start":
            block = event.content_block
            # A thought that is not shown comes without a piece of it, minutes later, and is billed.
            self.working |= isinstance(block, dict) and block.get("type") != "text"
        elif kind == "message_delta":
            self.content = True
            if isinstance(event.delta, dict):
                self.finish_reason = str(event.delta.get("stop_reason") or "")
        elif kind == "message_stop":
            self.done = True
            self.end = frame
            return b""
        elif kind == "error" or event.error:
            self.failure = data
        if event.usage is not None or event.message is not None:
            self.usage.feed({"usage": event.usage, "message": event.message})
        return frame


class AnthropicCountTokens:
    """Implements `adapter.Adapter` for counting, which costs nothing."""

    native = True

    def outgoing(
        self,
        body: Body,
        headers: Mapping[bytes, bytes],
        target: Target,
        parameters: Parameters | None,
    ) -> Outgoing:
        """Return the request with the target's model in it."""
        return Outgoing(
            target.provider.prefix + "/v1/messages/count_tokens",
            version_headers(headers),
            msgspec.json.encode(_fields(body, target)),
        )

    def answer(self, content: bytes, body: Body) -> Answer:
        """Check that it is a count."""
        if not isinstance(decode_answer(content).get("input_tokens"), int):
            raise NotAnAnswerError("the answer has no input_tokens")
        return Answer(content, NOTHING_USED)

    def stream(self, body: Body) -> AnthropicMessagesStream:
        """Return a reader; a count is never streamed."""
        return AnthropicMessagesStream()
