"""`/v1/embeddings` to targets that speak another protocol than OpenAI's.

Texts go over, vectors come back. Tokens instead of texts cannot be carried: they are OpenAI's own.
`user` does not change the answer, so it is left out.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, Protocol

import msgspec

from modelops.gateway.body import Body
from modelops.gateway.protocols.adapter import (
    TRACE,
    Answer,
    NotAnAnswerError,
    Outgoing,
    StreamReader,
    forwarded,
)
from modelops.gateway.protocols.answers import decode_answer
from modelops.gateway.protocols.nulls import decode_request
from modelops.gateway.protocols.openai.chat import OpenAiChatStream
from modelops.gateway.table import Target
from modelops.metering.attempt import Usage
from modelops.metering.usage import embedding_usage
from modelops.resources import resolved
from modelops.resources.resolved import Parameters

Vectors = Sequence[Sequence[float]]


class EmbeddingRequest(msgspec.Struct, forbid_unknown_fields=True, frozen=True, gc=False):
    """What is to be embedded. `dimensions` None: as many as the model has."""

    input: str | list[str]
    model: str | None = None
    dimensions: Annotated[int, msgspec.Meta(ge=1)] | None = None
    encoding_format: Literal["float", "base64"] | None = None
    user: str | None = None
    safety_identifier: str | None = None

    @property
    def texts(self) -> list[str]:
        """The texts, one or several."""
        return [self.input] if isinstance(self.input, str) else self.input


_DECODER = msgspec.json.Decoder(EmbeddingRequest)


class EmbeddingTarget(Protocol):
    """How a protocol is asked for embeddings."""

    protocol: resolved.Protocol

    def outgoing(self, request: EmbeddingRequest, target: Target) -> Outgoing:
        """Write a request."""
        ...

    def read_vectors(self, document: dict[str, Any]) -> Vectors:
        """Return the vectors of an answer in the order of the texts; msgspec.ValidationError."""
        ...


class EmbeddingTranslation:
    """Implements `adapter.Adapter` from OpenAI's embeddings to another protocol's."""

    native = False

    def __init__(self, target: EmbeddingTarget) -> None:
        self._target = target

    def outgoing(
        self,
        body: Body,
        headers: Mapping[bytes, bytes],
        target: Target,
        parameters: Parameters | None,
    ) -> Outgoing:
        """Return the request in the target's protocol."""
        outgoing = self._target.outgoing(_request(body), target)
        return msgspec.structs.replace(outgoing, headers=forwarded(headers, TRACE))

    def answer(self, content: bytes, body: Body) -> Answer:
        """Read the target's vectors and write them as OpenAI does."""
        document = decode_answer(content)
        request = _request(body)
        try:
            vectors = self._target.read_vectors(document)
        except msgspec.ValidationError:
            raise NotAnAnswerError("the answer holds no embeddings") from None
        if len(vectors) != len(request.texts):
            raise NotAnAnswerError("the answer does not hold one embedding for each text")
        usage = embedding_usage(self._target.protocol, document)
        data = [
            {"object": "embedding", "index": index, "embedding": _shown(vector, request)}
            for index, vector in enumerate(vectors)
        ]
        written = {"object": "list", "data": data, "model": body.model, "usage": _usage(usage)}
        return Answer(msgspec.json.encode(written), usage)

    def stream(self, body: Body) -> StreamReader:
        """Return a reader; embeddings are never streamed."""
        return OpenAiChatStream(hide_usage=False)


def _request(body: Body) -> EmbeddingRequest:
    request = body.conversation
    if not isinstance(request, EmbeddingRequest):
        request = decode_request(_DECODER, msgspec.json.encode(body.fields))
        body.conversation = request
    return request


def _shown(vector: Sequence[float], request: EmbeddingRequest) -> str | Sequence[float]:
    """Return a vector as asked for: numbers, or little-endian float32 in base64."""
    if request.encoding_format != "base64":
        return vector
    try:
        packed = struct.pack(f"<{len(vector)}f", *vector)
    except OverflowError:
        raise NotAnAnswerError("an embedding holds a number beyond float32") from None
    return base64.b64encode(packed).decode()


def _usage(usage: Usage) -> dict[str, int] | None:
    """Return the usage report, None where the provider makes none: 0 would be untrue."""
    if usage.input_tokens is None:
        return None
    return {"prompt_tokens": usage.input_tokens, "total_tokens": usage.input_tokens}
