"""The native Ollama protocol as targets speak it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from modelops.gateway.protocols.adapter import TRACE, Outgoing, forwarded
from modelops.gateway.protocols.conversation import Conversation, Said
from modelops.gateway.protocols.ollama import reading, writing
from modelops.gateway.table import Target
from modelops.metering.attempt import Usage
from modelops.resources import resolved


class OllamaTarget:
    """Implements `translation.TargetSide`."""

    protocol: resolved.Protocol = "ollama"

    def outgoing(
        self, conversation: Conversation, headers: Mapping[bytes, bytes], target: Target
    ) -> Outgoing:
        """Write a chat request."""
        fields = writing.write_request(conversation, target)
        path = target.provider.prefix + "/api/chat"
        return Outgoing(path, forwarded(headers, TRACE), msgspec.json.encode(fields))

    def read_answer(self, document: dict[str, Any], usage: Usage) -> Said:
        """Read a whole answer."""
        return reading.read_answer(document, usage)

    def watcher(self) -> reading.OllamaStream:
        """Return what watches a stream of lines."""
        return reading.OllamaStream()

    def reader(self) -> reading.OllamaReader:
        """Return a reader of lines."""
        return reading.OllamaReader()
