"""The Anthropic messages protocol as clients and as targets speak it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from modelops.gateway.body import Body
from modelops.gateway.protocols.adapter import TRACE, Outgoing, forwarded
from modelops.gateway.protocols.anthropic import answer, request, writing
from modelops.gateway.protocols.anthropic.events import MessageEventReader, MessageEventWriter
from modelops.gateway.protocols.anthropic.messages import VERSION, AnthropicMessagesStream
from modelops.gateway.protocols.conversation import Conversation, Said
from modelops.gateway.table import Target
from modelops.metering.attempt import Usage
from modelops.resources import resolved


class AnthropicClient:
    """Implements `translation.ClientSide`."""

    def read_request(self, content: bytes) -> Conversation:
        """Read a messages request."""
        return request.read_request(content)

    def write_answer(self, said: Said, body: Body) -> bytes:
        """Write a message."""
        return answer.write_answer(said)

    def writer(self, body: Body) -> MessageEventWriter:
        """Return a writer of named events."""
        return MessageEventWriter()


class AnthropicTarget:
    """Implements `translation.TargetSide`."""

    protocol: resolved.Protocol = "anthropic"

    def outgoing(
        self, conversation: Conversation, headers: Mapping[bytes, bytes], target: Target
    ) -> Outgoing:
        """Write a messages request."""
        fields = writing.write_request(conversation, target)
        path = target.provider.prefix + "/v1/messages"
        lines = VERSION + forwarded(headers, TRACE)
        return Outgoing(path, lines, msgspec.json.encode(fields))

    def read_answer(self, document: dict[str, Any], usage: Usage) -> Said:
        """Read a message."""
        return answer.read_answer(document, usage)

    def watcher(self) -> AnthropicMessagesStream:
        """Return what watches a stream of named events."""
        return AnthropicMessagesStream()

    def reader(self) -> MessageEventReader:
        """Return a reader of named events."""
        return MessageEventReader()
