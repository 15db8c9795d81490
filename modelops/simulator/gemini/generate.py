"""Gemini's generateContent, plain and streamed, with its token counts and embeddings.

Usage comes with every chunk and grows; thoughts are counted beside the candidates. A stream is
server-sent events with `alt=sse`, else one JSON array that is written piece by piece.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from modelops.simulator.answer import Answer, answer
from modelops.simulator.gemini import request as gemini_request
from modelops.simulator.question import Question
from modelops.simulator.tokens import count
from modelops.simulator.vectors import embedding
from modelops.simulator.wire import (
    JSON_TYPE,
    Request,
    Response,
    Tokens,
    encode,
    read,
)
from modelops.simulator.world import World

SSE_TYPE = "text/event-stream"
EMBEDDING_DIMENSIONS = 3072
"""Length of a vector when the request does not say: that of gemini-embedding-001."""

Json = dict[str, Any]


def generate(request: Request, world: World) -> Response:
    """Answer `POST models/MODEL:generateContent`."""
    asked, said, tokens, head = _answered(request, world)
    parts = list(_parts(said, asked.shows_thoughts, head["modelVersion"]))
    body = _chunk(head, parts, _usage(tokens, said, len(said.text)), said)
    return _response(head, tokens, JSON_TYPE, body=encode(body))


def stream(request: Request, world: World) -> Response:
    """Answer `POST models/MODEL:streamGenerateContent`."""
    asked, said, tokens, head = _answered(request, world)
    chunks = [encode(chunk) for chunk in _chunks(asked.shows_thoughts, said, tokens, head)]
    if request.query.get("alt") == "sse":
        frames = tuple(b"data: " + chunk + b"\r\n\r\n" for chunk in chunks)
        return _response(head, tokens, SSE_TYPE, frames=frames)
    array = tuple((b",\r\n" if index else b"[") + chunk for index, chunk in enumerate(chunks))
    return _response(head, tokens, JSON_TYPE, frames=(*array, b"]\n"))


def count_tokens(request: Request, world: World) -> Response:
    """Answer `POST models/MODEL:countTokens`."""
    model = gemini_request.model_of(request)
    world.need_model(request.provider, model)
    body = read(request, Json)
    wrapped = body.get("generateContentRequest", body)
    inner = msgspec.structs.replace(request, body=encode(wrapped))
    counted = gemini_request.question(gemini_request.load(inner), model).input_tokens
    return _response({"modelVersion": model}, Tokens(), JSON_TYPE, encode({"totalTokens": counted}))


class Embed(msgspec.Struct, rename="camel"):
    """One text to embed."""

    content: gemini_request.Content
    output_dimensionality: int | None = None


class Batch(msgspec.Struct):
    """Several texts to embed."""

    requests: list[Embed]


def embed(request: Request, world: World) -> Response:
    """Answer `POST models/MODEL:embedContent` and `:batchEmbedContents`."""
    model = gemini_request.model_of(request)
    world.need_model(request.provider, model)
    single = request.path.endswith(":embedContent")
    asked = [read(request, Embed)] if single else read(request, Batch).requests
    texts = ["\n".join(part.text or "" for part in one.content.parts) for one in asked]
    vectors = [
        {"values": embedding(text, model, one.output_dimensionality or EMBEDDING_DIMENSIONS)}
        for one, text in zip(asked, texts, strict=True)
    ]
    body = {"embedding": vectors[0]} if single else {"embeddings": vectors}
    tokens = Tokens(input=sum(count(text) for text in texts))
    return _response({"modelVersion": model}, tokens, JSON_TYPE, encode(body))


def _answered(
    request: Request, world: World
) -> tuple[gemini_request.Generate, Answer, Tokens, Json]:
    model = gemini_request.model_of(request)
    asked = gemini_request.load(request)
    world.need_model(request.provider, model)
    question: Question = gemini_request.question(asked, model)
    said = answer(question, world.seed)
    tokens = Tokens(
        input=question.input_tokens,
        output=said.output_tokens,
        cache_read=world.cache.automatic(request.provider, question).read,
        reasoning=said.reasoning_tokens,
    )
    return asked, said, tokens, {"modelVersion": model, "responseId": world.new_id("")}


def _response(
    head: Json,
    tokens: Tokens,
    content_type: str,
    body: bytes = b"",
    frames: tuple[bytes, ...] | None = None,
) -> Response:
    return Response(
        protocol="gemini",
        headers={"content-type": content_type},
        body=body,
        frames=frames,
        model=head["modelVersion"],
        tokens=tokens,
    )


def _parts(said: Answer, shows_thoughts: bool, model: str) -> Iterator[Json]:
    if said.reasoning and shows_thoughts:
        yield {"text": "".join(said.reasoning), "thought": True}
    if said.text:
        yield {"text": "".join(said.text)}
    yield from _calls(said, model)


def _calls(said: Answer, model: str) -> Iterator[Json]:
    for index, call in enumerate(said.calls):
        part: Json = {"functionCall": {"name": call.name, "args": dict(call.arguments)}}
        if index == 0 and model.startswith(gemini_request.SIGNING):
            part["thoughtSignature"] = gemini_request.signature(call.name)
        yield part


def _chunks(shows_thoughts: bool, said: Answer, tokens: Tokens, head: Json) -> Iterator[Json]:
    if shows_thoughts:
        for token in said.reasoning:
            part = {"text": token, "thought": True}
            yield _chunk(head, [part], _usage(tokens, None, 0))
    for written, token in enumerate(said.text, start=1):
        yield _chunk(head, [{"text": token}], _usage(tokens, None, written))
    for part in _calls(said, head["modelVersion"]):
        yield _chunk(head, [part], _usage(tokens, None, len(said.text)))
    yield _chunk(head, [{"text": ""}], _usage(tokens, said, len(said.text)), said)


def _chunk(head: Json, parts: list[Json], usage: Json, ended: Answer | None = None) -> Json:
    content: Json = {"parts": parts, "role": "model"} if parts else {"role": "model"}
    candidate: Json = {"content": content, "index": 0}
    if ended is not None:
        candidate["finishReason"] = "MAX_TOKENS" if ended.stop == "length" else "STOP"
    return {"candidates": [candidate], "usageMetadata": usage, **head}


def _usage(tokens: Tokens, ended: Answer | None, written: int) -> Json:
    candidates = tokens.output - tokens.reasoning if ended is not None else written
    usage: Json = {
        "promptTokenCount": tokens.input,
        "totalTokenCount": tokens.input + candidates + tokens.reasoning,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": tokens.input}],
    }
    if candidates:
        usage["candidatesTokenCount"] = candidates
    if tokens.reasoning:
        usage["thoughtsTokenCount"] = tokens.reasoning
    if tokens.cache_read:
        usage["cachedContentTokenCount"] = tokens.cache_read
    return usage
