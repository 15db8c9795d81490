"""`/v1/embeddings` to targets that speak the OpenAI protocol: bytes pass.

Answers are large and mostly numbers, so only what is asked for is decoded.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from modelops.gateway.body import Body
from modelops.gateway.protocols.adapter import (
    Answer,
    NotAnAnswerError,
    Outgoing,
    forwarded,
)
from modelops.gateway.protocols.answers import decode_as
from modelops.gateway.protocols.openai.chat import FORWARDED, OpenAiChatStream
from modelops.gateway.table import Target
from modelops.metering.usage import embedding_usage
from modelops.resources.resolved import Parameters


class _Embeddings(msgspec.Struct):
    data: msgspec.Raw = msgspec.Raw()
    usage: dict[str, Any] | None = None
    error: Any = None


_DECODE = msgspec.json.Decoder(_Embeddings).decode


class OpenAiEmbeddings:
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
        return Outgoing(
            target.provider.prefix + "/embeddings",
            forwarded(headers, FORWARDED),
            msgspec.json.encode({**body.fields, "model": target.upstream_json}),
        )

    def answer(self, content: bytes, body: Body) -> Answer:
        """Look for usage, and for an error despite a good status."""
        document = decode_as(_DECODE, content)
        if document.error or bytes(document.data)[:1] != b"[":
            raise NotAnAnswerError("the answer holds no embeddings")
        usage = embedding_usage("openai", {"usage": document.usage})
        return Answer(content, usage)

    def stream(self, body: Body) -> OpenAiChatStream:
        """Return a reader; embeddings are never streamed."""
        return OpenAiChatStream(hide_usage=False)
