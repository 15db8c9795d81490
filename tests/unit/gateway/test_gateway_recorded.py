"""Recorded traffic through both client sides: byte for byte, or read in the other protocol."""

from __future__ import annotations

from typing import Any

import anthropic.types
import msgspec
import openai.types.chat
import pydantic
import pytest
from gateway_recordings import Recorded, needs_recordings, recordings

from modelops.gateway.body import Body
from modelops.gateway.call import Endpoint
from modelops.gateway.protocols import ADAPTERS, sse
from modelops.gateway.protocols.adapter import NotAnAnswerError

CHAT: Endpoint = "/v1/chat/completions"
MESSAGES: Endpoint = "/v1/messages"
OPENAI: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
ANTHROPIC: dict[str, Any] = {**OPENAI, "max_tokens": 9}

RECORDED = [
    item
    for item in recordings()
    if item.status == 200 and not item.response.lstrip().startswith((b"[", b'{ "error"'))
]
"""Without a filter's error that was recorded as a 200, and streams asked for without alt=sse."""

SERVER_TOOLS = "block of type"
"""Blocks of tools that run at the provider have no name in other protocols."""

EVENT: pydantic.TypeAdapter[Any] = pydantic.TypeAdapter(anthropic.types.RawMessageStreamEvent)


def named(items: list[Recorded]) -> list[Any]:
    return [pytest.param(item, id=f"{item.kind}-{item.name}") for item in items]


def native(item: Recorded) -> Endpoint:
    return {"anthropic": MESSAGES, "responses": "/v1/responses"}.get(item.kind, CHAT)


def pieces(content: bytes) -> list[bytes]:
    return [content[start : start + 700] for start in range(0, len(content), 700)]


PASSED = [item for item in RECORDED if item.kind in ("openai", "anthropic", "responses")]


@needs_recordings
@pytest.mark.parametrize("item", named([item for item in PASSED if item.streamed]))
def test_a_recorded_stream_passes_byte_for_byte(item: Recorded) -> None:
    asked = {**item.request, "stream": True}
    if item.kind == "openai":
        asked["stream_options"] = {"include_usage": True}
    protocol = "openai" if item.kind == "responses" else item.kind
    adapter = ADAPTERS[native(item), protocol]  # type: ignore[index]
    reader = adapter.stream(Body(native(item), msgspec.json.encode(asked)))
    out = b"".join(reader.feed(piece) for piece in pieces(item.response)) + reader.close()
    if reader.failure is None:
        assert out + reader.end == item.response
        assert reader.content
        assert reader.complete


@needs_recordings
@pytest.mark.parametrize("item", named([item for item in PASSED if not item.streamed]))
def test_a_recorded_answer_passes_byte_for_byte(item: Recorded) -> None:
    body = Body(native(item), msgspec.json.encode(item.request))
    protocol = "openai" if item.kind == "responses" else item.kind
    answer = ADAPTERS[native(item), protocol].answer(item.response, body)  # type: ignore[index]
    assert answer.body == item.response
    assert answer.usage.source != "none"


TRANSLATED = [item for item in RECORDED if item.kind in ("openai", "anthropic", "gemini", "ollama")]


def crossings(*, streamed: bool) -> list[Any]:
    return [
        pytest.param(item, endpoint, id=f"{endpoint[4:]}-{item.kind}-{item.name}")
        for item in TRANSLATED
        for endpoint in (CHAT, MESSAGES)
        if item.streamed is streamed and not ADAPTERS[endpoint, item.kind].native  # type: ignore[index]
    ]


@needs_recordings
@pytest.mark.parametrize(("item", "endpoint"), crossings(streamed=False))
def test_a_recorded_answer_can_be_read_in_the_other_protocol(
    item: Recorded, endpoint: Endpoint
) -> None:
    body = Body(endpoint, msgspec.json.encode(OPENAI if endpoint == CHAT else ANTHROPIC))
    try:
        answer = ADAPTERS[endpoint, item.kind].answer(item.response, body)  # type: ignore[index]
    except NotAnAnswerError as error:
        if SERVER_TOOLS not in str(error):
            raise
        return
    said = "".join(_said(item.kind, [msgspec.json.decode(item.response)]))
    if endpoint == CHAT:
        completion = openai.types.chat.ChatCompletion.model_validate_json(answer.body, strict=True)
        assert (completion.choices[0].message.content or "") == said
    else:
        message = anthropic.types.Message.model_validate_json(answer.body, strict=True)
        assert "".join(block.text for block in message.content if block.type == "text") == said


@needs_recordings
@pytest.mark.parametrize(("item", "endpoint"), crossings(streamed=True))
def test_a_recorded_stream_can_be_read_in_the_other_protocol(
    item: Recorded, endpoint: Endpoint
) -> None:
    first = OPENAI if endpoint == CHAT else ANTHROPIC
    asked = msgspec.json.encode({**first, "stream": True})
    reader = ADAPTERS[endpoint, item.kind].stream(Body(endpoint, asked))  # type: ignore[index]
    out = b"".join(reader.feed(piece) for piece in pieces(item.response)) + reader.close()
    if reader.failure is not None:
        return
    assert reader.done
    shown = [sse.data_of(frame) for frame in sse.Splitter().feed(out + reader.end)]
    said = "".join(_said(item.kind, _events(item)))
    if endpoint == CHAT:
        assert shown.pop() == b"[DONE]"
        chunks = [openai.types.chat.ChatCompletionChunk.model_validate_json(data) for data in shown]
        heard = "".join(choice.delta.content or "" for made in chunks for choice in made.choices)
        assert [choice.finish_reason for made in chunks for choice in made.choices][-1]
    else:
        events = [EVENT.validate_json(data) for data in shown]
        assert [events[0].type, events[-1].type] == ["message_start", "message_stop"]
        deltas = [event.delta for event in events if event.type == "content_block_delta"]
        heard = "".join(delta.text for delta in deltas if delta.type == "text_delta")
        opened = [event.index for event in events if event.type == "content_block_start"]
        closed = [event.index for event in events if event.type == "content_block_stop"]
        assert opened == list(range(len(opened)))
        assert sorted(closed) == opened
    assert heard == said


def _events(item: Recorded) -> list[Any]:
    if item.kind == "ollama":
        return [msgspec.json.decode(line) for line in item.response.splitlines() if line.strip()]
    frames = sse.Splitter().feed(item.response + b"\n\n")
    data = [sse.data_of(frame) for frame in frames]
    return [msgspec.json.decode(text) for text in data if text.startswith(b"{")]


def _said(kind: str, events: list[Any]) -> list[str]:
    """Return the words of recorded answers or events, by a reading of the test's own."""
    if kind == "openai":
        choices = [event["choices"][0] for event in events if event.get("choices")]
        contents = [(item.get("message") or item.get("delta") or {}).get("content") or ""
                    for item in choices]  # fmt: skip
        return [
            text if isinstance(text, str) else "".join(part.get("text") or "" for part in text)
            for text in contents
        ]
    if kind == "anthropic":
        blocks = [block for event in events for block in event.get("content", ())]
        deltas = [event["delta"] for event in events if event["type"] == "content_block_delta"]
        return [item["text"] for item in blocks + deltas if item["type"] in ("text", "text_delta")]
    if kind == "gemini":
        parts = [
            part
            for event in events
            for part in event["candidates"][0].get("content", {}).get("parts", ())
        ]
        return [part["text"] for part in parts if "text" in part and not part.get("thought")]
    return [event["message"]["content"] for event in events]
