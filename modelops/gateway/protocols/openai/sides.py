"""The OpenAI chat protocol as clients and as targets speak it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from modelops.gateway.body import Body
from modelops.gateway.protocols.adapter import Outgoing, forwarded
from modelops.gateway.protocols.conversation import Conversation, Said
from modelops.gateway.protocols.openai import answer, request, writing
from modelops.gateway.protocols.openai.chat import FORWARDED, OpenAiChatStream, asks_for_usage
from modelops.gateway.protocols.openai.events import ChunkReader, ChunkWriter
from modelops.gateway.table import Target
from modelops.metering.attempt import Usage
from modelops.resources import resolved


class OpenAiClient:
    """Implements `translation.ClientSide`."""

    def read_request(self, content: bytes) -> Conversation:
        """Read a chat request."""
        return request.read_request(content)

    def write_answer(self, said: Said, body: Body) -> bytes:
        """Write a chat completion."""
        return answer.write_answer(said, body.received_at_us // 1_000_000)

    def writer(self, body: Body) -> ChunkWriter:
        """Return a writer of chunks."""
        return ChunkWriter(body.received_at_us // 1_000_000, show_usage=asks_for_usage(body))


class OpenAiTarget:
    """Implements `translation.TargetSide`."""

    protocol: resolved.Protocol = "openai"

    def outgoing(
        self, conversation: Conversation, headers: Mapping[bytes, bytes], target: Target
    ) -> Outgoing:
        """Write a chat request."""
        fields = writing.write_request(conversation, target)
        path = target.provider.prefix + "/chat/completions"
        return Outgoing(path, forwarded(headers, FORWARDED), msgspec.json.encode(fields))

    def read_answer(self, document: dict[str, Any], usage: Usage) -> Said:
        """Read a chat completion."""
        return answer.read_answer(document, usage)

    def watcher(self) -> OpenAiChatStream:
        """Return what watches a stream of chunks."""
        return OpenAiChatStream(hide_usage=False)

    def reader(self) -> ChunkReader:
        """Return a reader of chunks."""
        return ChunkReader()
