"""Gemini's batchEmbedContents: several texts at once, each a request of its own.

The API (https://ai.google.dev/api/embeddings) need not say what a batch used, in `usageMetadata`;
where it says nothing the usage is unknown, and the books have an estimate.
"""

from __future__ import annotations

from typing import Any

import msgspec

from modelops.gateway.protocols.adapter import Outgoing
from modelops.gateway.protocols.embedding import EmbeddingRequest, Vectors
from modelops.gateway.protocols.gemini.sides import method_path
from modelops.gateway.table import Target
from modelops.resources import resolved


class _Vector(msgspec.Struct):
    values: list[float]


class GeminiEmbeddings:
    """Implements `embedding.EmbeddingTarget`."""

    protocol: resolved.Protocol = "gemini"

    def outgoing(self, request: EmbeddingRequest, target: Target) -> Outgoing:
        """Write a batch."""
        more = {} if request.dimensions is None else {"outputDimensionality": request.dimensions}
        requests = [
            {
                "model": f"models/{target.upstream_model}",
                "content": {"parts": [{"text": text}]},
                **more,
            }
            for text in request.texts
        ]
        content = msgspec.json.encode({"requests": requests})
        return Outgoing(method_path(target, "batchEmbedContents"), b"", content)

    def read_vectors(self, document: dict[str, Any]) -> Vectors:
        """Return the vectors of a batch."""
        found = msgspec.convert(document.get("embeddings"), list[_Vector])
        return [vector.values for vector in found]
