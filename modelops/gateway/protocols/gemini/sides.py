"""The Gemini protocol as targets speak it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import msgspec

from modelops.gateway.protocols.adapter import TRACE, Outgoing, forwarded
from modelops.gateway.protocols.conversation import Conversation, Said
from modelops.gateway.protocols.gemini import reading, writing
from modelops.gateway.table import Target
from modelops.metering.attempt import Usage
from modelops.resources import resolved


def method_path(target: Target, method: str) -> str:
    """Return the path of a method, which names the model."""
    return f"{target.provider.prefix}/models/{quote(target.upstream_model)}:{method}"


class GeminiTarget:
    """Implements `translation.TargetSide`."""

    protocol: resolved.Protocol = "gemini"

    def outgoing(
        self, conversation: Conversation, headers: Mapping[bytes, bytes], target: Target
    ) -> Outgoing:
        """Write a generateContent request; the model stands in its path."""
        method = "streamGenerateContent?alt=sse" if conversation.stream else "generateContent"
        fields = writing.write_request(conversation, target)
        return Outgoing(
            method_path(target, method), forwarded(headers, TRACE), msgspec.json.encode(fields)
        )

    def read_answer(self, document: dict[str, Any], usage: Usage) -> Said:
        """Read a whole answer."""
        return reading.read_answer(document, usage)

    def watcher(self) -> reading.GeminiStream:
        """Return what watches a stream of chunks."""
        return reading.GeminiStream()

    def reader(self) -> reading.GeminiReader:
        """Return a reader of chunks."""
        return reading.GeminiReader()
