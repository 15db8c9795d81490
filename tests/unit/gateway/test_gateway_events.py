"""Events are read only as far as the books need: whatever else they hold changes nothing."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from modelops.gateway.protocols.anthropic.events import MessageEventReader
from modelops.gateway.protocols.anthropic.messages import AnthropicMessagesStream, MessageEvent
from modelops.gateway.protocols.conversation import ArgumentsDelta, ToolBegun
from modelops.gateway.protocols.ollama.reading import OllamaStream
from modelops.gateway.protocols.openai.chat import Chunk, OpenAiChatStream
from modelops.gateway.protocols.openai.events import ChunkReader
from modelops.gateway.protocols.openai.responses import OpenAiResponsesStream
from modelops.gateway.protocols.passing import PassingStream

NAMES = (
    "id", "model", "choices", "error", "usage", "x_groq", "type", "index", "delta", "message",
    "content_block", "content", "finish_reason", "role", "stop_reason", "prompt_tokens", "",
)  # fmt: skip
SPACE = st.sampled_from(["", " ", "\t"])
LEAVES = st.sampled_from([
    "null", "true", "0", "-1", "12", "1.5", '""', '"stop"', '"\\u0000"', '"\\"usage\\""',
    '"content_block_delta"', '"message_delta"', '"message_stop"', '"response.completed"', '"x"',
    '"\\ud83d\\ude00"', '"\u00e9"', '"data: {"', '"\\\\"',
])  # fmt: skip


@st.composite
def objects(draw: st.DrawFn, inner: st.SearchStrategy[str]) -> str:
    """Return an object as text: names twice, names written in escapes, space anywhere."""
    fields = []
    for name, value in draw(st.lists(st.tuples(st.sampled_from(NAMES), inner), max_size=5)):
        if draw(st.booleans()):
            name = "".join(f"\\u{ord(letter):04x}" for letter in name)
        fields.append(f'{draw(SPACE)}"{name}"{draw(SPACE)}:{draw(SPACE)}{value}')
    return "{" + ",".join(fields) + draw(SPACE) + "}"


VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        objects(inner) | st.lists(inner, max_size=3).map(lambda items: f"[{','.join(items)}]")
    ),
    max_leaves=12,
)


@pytest.mark.parametrize("shape", [Chunk, MessageEvent])
@given(text=objects(VALUES))
@example(text='{"\\u0075sage":{"a":1},"usage":null,"choices":0,"type":[]}')
def test_what_is_read_of_an_event_is_what_the_whole_holds(shape: type[Any], text: str) -> None:
    whole = msgspec.json.decode(text)
    read = msgspec.json.decode(text, type=shape)
    absent = shape()
    for name in shape.__struct_fields__:
        assert getattr(read, name) == whole.get(name, getattr(absent, name))


def test_a_report_counts_whatever_else_its_event_holds() -> None:
    usage = b'"service_tier":"flex","usage":{"prompt_tokens":3,"completion_tokens":4}'
    stream = OpenAiChatStream(hide_usage=False)
    frame = b'data: {"choices":[],"odd":1e999,%b}\n\n' % usage
    assert stream.feed(frame) == frame
    assert stream.usage.usage(complete=True).output_tokens == 4
    assert stream.usage.service_tier == "flex"


@pytest.mark.parametrize("gap", [b"", b" "])
def test_an_empty_report_that_nobody_asked_for_is_taken_out(gap: bytes) -> None:
    stream = OpenAiChatStream(hide_usage=True)
    frame = b'data: {"choices":[],%b"usage":%bnull}\n\n' % (gap, gap)
    assert stream.feed(frame) == b'data: {"choices":[]}\n\n'


def test_a_report_that_a_provider_gives_unasked_is_passed_on_with_its_chunk() -> None:
    stream = OpenAiChatStream(hide_usage=True)
    usage = b'"usage":{"prompt_tokens":3,"completion_tokens":4}'
    last = b'data: {"choices":[{"delta":{},"finish_reason":"stop"}],%b}\n\n' % usage
    assert stream.feed(last) == last
    assert stream.feed(b'data: {"choices":[],%b}\n\n' % usage) == b""


def test_calls_are_told_apart_by_whatever_counts_them() -> None:
    call = {"id": "c", "function": {"name": "f", "arguments": "{}"}}
    chunk = Chunk(
        choices=[{"delta": {"tool_calls": [{**call, "index": {}}, {**call, "index": []}]}}]
    )
    begun = [event for event in ChunkReader().read(chunk) if isinstance(event, ToolBegun)]
    assert [event.index for event in begun] == [0, 1]
    reader, block = MessageEventReader(), {"type": "tool_use", "id": "c", "name": "f"}
    delta = {"type": "input_json_delta", "partial_json": "{}"}
    start = MessageEvent(type="content_block_start", index=[1], content_block=block)
    more = MessageEvent(type="content_block_delta", index=[1], delta=delta)
    assert reader.read(start) == (ToolBegun(0, "c", "f"),)
    assert reader.read(more) == (ArgumentsDelta(0, "{}"),)


STREAMS: list[type[PassingStream[Any]]] = [
    AnthropicMessagesStream, OllamaStream, OpenAiResponsesStream,
]  # fmt: skip
STYLES = [
    "data: %s\n\n", "data:%s\n\n", "event: message_start\ndata: %s\n\n", "data: %s\r\n\r\n",
    "data: %s\n\ndata: %s\n\n", "data: %s\r\r", "data: %s\ndata: \n\n", ": note\ndata: %s\n\n",
    "data: %s\nid: 7\n\n", "data: %s\n", "event: x\ndata: y\ndata: %s\n\n", "\n\ndata: %s\n\n",
    "data: %s\r\ndata: %s\n\n", "event: data: %s\n\n", "data: %s\rdata: %s\n\n", "%s\n",
    "\ufeffdata: %s\n\n", "event: x\rdata: %s\n\n",
]  # fmt: skip
EVENTS = st.tuples(st.sampled_from(STYLES), objects(VALUES) | st.sampled_from(["[DONE]", "", "{"]))


@pytest.mark.parametrize("make", [lambda: OpenAiChatStream(hide_usage=True), *STREAMS])
@given(events=st.lists(EVENTS, max_size=4))
def test_a_stream_says_the_same_however_it_is_cut(make: Any, events: list[tuple[str, str]]) -> None:
    pieces = [style.replace("%s", text).encode() for style, text in events]
    by_event, by_byte = make(), make()
    out = b"".join([*map(by_event.feed, pieces), by_event.close(), by_event.end])
    letters = [bytes([letter]) for letter in b"".join(pieces)]
    assert out == b"".join([*map(by_byte.feed, letters), by_byte.close(), by_byte.end])
    for name in ("content", "done", "failure", "failure_sent", "finish_reason", "size"):
        assert getattr(by_event, name) == getattr(by_byte, name), name
    assert by_event.usage.usage(complete=True) == by_byte.usage.usage(complete=True)
