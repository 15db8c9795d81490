"""OpenAI's embeddings: unit vectors that follow from the text, so equal texts have equal ones."""

from __future__ import annotations

import base64
import struct
from typing import Any

import msgspec

from modelops.simulator import tokens
from modelops.simulator.vectors import embedding
from modelops.simulator.wire import (
    JSON_TYPE,
    Request,
    RequestError,
    Response,
    Tokens,
    encode,
    read,
)
from modelops.simulator.world import World

DIMENSIONS = 1536
"""Length of a vector when the request does not say: that of text-embedding-3-small."""

MAX_DIMENSIONS = 8192


class Embed(msgspec.Struct):
    """The body of a request: one text or token list, or several."""

    model: str
    input: str | list[Any]
    encoding_format: str | None = "float"
    dimensions: int | None = None
    user: str | None = None


def respond(request: Request, world: World) -> Response:
    """Answer `POST /embeddings`."""
    asked = read(request, Embed)
    world.need_model(request.provider, asked.model)
    dimensions = asked.dimensions or DIMENSIONS
    if not 1 <= dimensions <= MAX_DIMENSIONS:
        raise RequestError(
            f"'dimensions' must be between 1 and {MAX_DIMENSIONS}.", param="dimensions"
        )
    inputs = _inputs(asked.input)
    used = sum(tokens.count(one) if isinstance(one, str) else len(one) for one in inputs)
    data = []
    for index, one in enumerate(inputs):
        vector = embedding(one, asked.model, dimensions)
        packed = base64.b64encode(struct.pack(f"<{dimensions}f", *vector)).decode()
        shown = packed if asked.encoding_format == "base64" else vector
        data.append({"object": "embedding", "index": index, "embedding": shown})
    body = {
        "object": "list",
        "data": data,
        "model": asked.model,
        "usage": {"prompt_tokens": used, "total_tokens": used},
    }
    return Response(
        protocol="openai",
        headers={"content-type": JSON_TYPE},
        body=encode(body),
        model=asked.model,
        user=asked.user or "",
        tokens=Tokens(input=used),
    )


def _inputs(value: str | list[Any]) -> list[str | list[int]]:
    if isinstance(value, str):
        return [value]
    if not value:
        raise RequestError("'input' must not be empty.", param="input")
    if all(isinstance(one, int) for one in value):
        return [value]
    for one in value:
        if not isinstance(one, str | list):
            raise RequestError("'input' must hold texts or token lists.", param="input")
    return value
