"""Ollama's /api/embed: several texts at once, with one count for all of them.

The fields are those of https://docs.ollama.com/api/embed.
"""

from __future__ import annotations

from typing import Any

import msgspec

from modelops.gateway.protocols.adapter import Outgoing
from modelops.gateway.protocols.embedding import EmbeddingRequest, Vectors
from modelops.gateway.table import Target
from modelops.resources import resolved


class OllamaEmbeddings:
    """Implements `embedding.EmbeddingTarget`."""

    protocol: resolved.Protocol = "ollama"

    def outgoing(self, request: EmbeddingRequest, target: Target) -> Outgoing:
        """Write a request."""
        fields: dict[str, Any] = {"model": target.upstream_model, "input": request.texts}
        if request.dimensions is not None:
            fields["dimensions"] = request.dimensions
        return Outgoing(target.provider.prefix + "/api/embed", b"", msgspec.json.encode(fields))

    def read_vectors(self, document: dict[str, Any]) -> Vectors:
        """Return the vectors."""
        return msgspec.convert(document.get("embeddings"), list[list[float]])
