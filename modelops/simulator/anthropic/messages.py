"""Anthropic's messages, plain and streamed, and the counting of tokens.

Streams have named events, a ping, and usage twice: the input side at the start, and all of it,
cumulative, at the end. Input that was read from or written to the cache is counted apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from modelops.simulator.answer import Answer, answer
from modelops.simulator.anthropic import request as anthropic_request
from modelops.simulator.anthropic import threads
from modelops.simulator.prompt_cache import CacheUse
from modelops.simulator.wire import (
    JSON_TYPE,
    SSE_TYPE,
    Request,
    RequestError,
    Response,
    Tokens,
    encode,
    sse,
)
from modelops.simulator.world import World

STOP_REASONS = {
    "stop": "end_turn",
    "stop_string": "stop_sequence",
    "length": "max_tokens",
    "tool_calls": "tool_use",
}
"""stop_reason by why the answer ended."""

Json = dict[str, Any]


def respond(request: Request, world: World) -> Response:
    """Answer `POST /v1/messages`."""
    asked = threads.whole(anthropic_request.load(request), request, world)
    anthropic_request.verify(asked)
    if asked.max_tokens is None:
        raise RequestError("max_tokens: Field required")
    world.need_model(request.provider, asked.model)
    question = anthropic_request.question(asked)
    said = answer(question, world.seed)
    cache = world.cache.marked(request.provider, question)
    tokens = Tokens(
        input=question.input_tokens,
        output=said.output_tokens,
        cache_read=cache.read,
        cache_write=cache.write_5m + cache.write_1h,
        cache_write_1h=cache.write_1h,
        reasoning=said.reasoning_tokens,
    )
    blocks = _blocks(said, world)
    message: Json = {
        "id": world.new_id("msg_"),
        "type": "message",
        "role": "assistant",
        "model": asked.model,
        "content": blocks,
        "stop_reason": STOP_REASONS[said.stop],
        "stop_sequence": said.stop_string or None,
        "usage": _usage(tokens, cache),
    }
    if asked.thread:
        threads.keep(asked, message, request, world)
    response = Response(
        protocol="anthropic",
        headers={"content-type": SSE_TYPE if asked.stream else JSON_TYPE},
        model=asked.model,
        user=str((asked.metadata or {}).get("user_id") or ""),
        tokens=tokens,
    )
    if asked.stream:
        return msgspec.structs.replace(response, frames=tuple(_frames(message, said)))
    return msgspec.structs.replace(response, body=encode(message))


def count_tokens(request: Request, world: World) -> Response:
    """Answer `POST /v1/messages/count_tokens`."""
    asked = anthropic_request.load(request)
    anthropic_request.verify(asked)
    world.need_model(request.provider, asked.model)
    counted = anthropic_request.question(asked).input_tokens
    return Response(
        protocol="anthropic",
        headers={"content-type": JSON_TYPE},
        body=encode({"input_tokens": counted}),
        model=asked.model,
    )


def _usage(tokens: Tokens, cache: CacheUse) -> Json:
    usage: Json = {
        "input_tokens": tokens.input - tokens.cache_read - tokens.cache_write,
        "cache_creation_input_tokens": tokens.cache_write,
        "cache_read_input_tokens": tokens.cache_read,
        "cache_creation": {
            "ephemeral_5m_input_tokens": cache.write_5m,
            "ephemeral_1h_input_tokens": cache.write_1h,
        },
        "output_tokens": tokens.output,
        "service_tier": "standard",
    }
    if tokens.reasoning:
        usage["output_tokens_details"] = {"thinking_tokens": tokens.reasoning}
    return usage


def _blocks(said: Answer, world: World) -> list[Json]:
    blocks: list[Json] = []
    if said.reasoning:
        thinking = "".join(said.reasoning)
        signed = anthropic_request.signature(thinking)
        blocks.append({"type": "thinking", "thinking": thinking, "signature": signed})
    if said.text:
        blocks.append({"type": "text", "text": "".join(said.text)})
    for call in said.calls:
        made = {"id": world.new_id("toolu_"), "name": call.name, "input": dict(call.arguments)}
        blocks.append({"type": "tool_use", **made})
    return blocks


def _frames(message: Json, said: Answer) -> Iterator[bytes]:
    usage = message["usage"]
    begun = {**message, "content": [], "stop_reason": None, "stop_sequence": None}
    begun["usage"] = {**usage, "output_tokens": min(1, usage["output_tokens"])}
    begun["usage"].pop("output_tokens_details", None)
    yield _event("message_start", message=begun)
    for index, block in enumerate(message["content"]):
        empty = {**block, **_EMPTY[block["type"]]}
        yield _event("content_block_start", index=index, content_block=empty)
        if index == 0:
            yield _event("ping")
        for delta in _deltas(block, said):
            yield _event("content_block_delta", index=index, delta=delta)
        yield _event("content_block_stop", index=index)
    ending = {"stop_reason": message["stop_reason"], "stop_sequence": message["stop_sequence"]}
    kept = {name: count for name, count in usage.items() if name not in _START_ONLY}
    yield _event("message_delta", delta=ending, usage=kept)
    yield _event("message_stop")


_EMPTY: dict[str, Json] = {
    "thinking": {"thinking": "", "signature": ""},
    "text": {"text": ""},
    "tool_use": {"input": {}},
}
_START_ONLY = frozenset({"cache_creation", "service_tier"})


def _deltas(block: Json, said: Answer) -> Iterator[Json]:
    if block["type"] == "thinking":
        for token in said.reasoning:
            yield {"type": "thinking_delta", "thinking": token}
        yield {"type": "signature_delta", "signature": block["signature"]}
    elif block["type"] == "text":
        for token in said.text:
            yield {"type": "text_delta", "text": token}
    else:
        yield {"type": "input_json_delta", "partial_json": ""}
        text = encode(block["input"]).decode() if block["input"] else ""
        for start in range(0, len(text), 12):
            yield {"type": "input_json_delta", "partial_json": text[start : start + 12]}


def _event(kind: str, **fields: Any) -> bytes:
    return sse({"type": kind, **fields}, kind)
