"""Whatever clients send and providers answer: an answer or an error, and never a crash."""

from __future__ import annotations

import asyncio
import sys
from typing import Any, get_args

import msgspec
import pytest
from gateway_doubles import (
    ASK_STREAM,
    DONE,
    Bench,
    FakeResponse,
    chain,
    error,
    model,
    provider,
    table,
    two_targets,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from modelops.gateway.call import Dialect, Endpoint
from modelops.gateway.upstream.errors import TruncatedError
from modelops.resources.resolved import Protocol

PROTOCOLS: tuple[Protocol, ...] = get_args(Protocol)
ENDPOINTS: tuple[Endpoint, ...] = get_args(Endpoint)
TABLE = table(
    *(provider(f"p-{name}", protocol=name) for name in PROTOCOLS),
    *(model(f"p-{name}/m", capabilities=None) for name in PROTOCOLS),
    *(model(f"p-{name}/e", type="embedding") for name in PROTOCOLS),
)

REQUEST_KEYS = [
    "messages", "role", "content", "type", "text", "tools", "function", "name", "parameters",
    "tool_calls", "tool_call_id", "id", "arguments", "image_url", "url", "system", "input",
    "stream_options", "stop", "temperature", "max_tokens", "metadata", "user", "thinking",
    "tool_choice", "response_format", "reasoning_effort", "source", "tool_use_id", "input_schema",
]  # fmt: skip
ANSWER_KEYS = [
    "choices", "message", "delta", "content", "text", "type", "usage", "error", "code", "status",
    "tool_calls", "function", "name", "arguments", "id", "index", "finish_reason", "stop_reason",
    "candidates", "parts", "functionCall", "finishReason", "done", "content_block", "role",
    "usageMetadata", "details", "data", "output", "response", "x_groq", "thinking", "input",
    "prompt_tokens", "input_tokens", "eval_count", "args", "promptFeedback", "blockReason",
]  # fmt: skip
WORDS = [
    "user", "assistant", "system", "tool", "text", "tool_use", "tool_result", "function", "stop",
    "message_start", "content_block_start", "content_block_delta", "message_delta", "STOP",
    "message_stop", "response.completed", "response.output_text.delta", "image", "text_delta", "",
]  # fmt: skip


def documents(keys: list[str]) -> st.SearchStrategy[Any]:
    """Return JSON values that use a protocol's words in any place."""
    leaves = (
        st.none() | st.booleans() | st.integers(-5, 5) | st.floats(-2, 2) | st.sampled_from(WORDS)
    )
    return st.recursive(
        leaves,
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(keys), inner, max_size=5)
        ),
        max_leaves=14,
    )


fields = st.dictionaries(st.sampled_from(REQUEST_KEYS), documents(REQUEST_KEYS), max_size=6)
answers = documents(ANSWER_KEYS).map(msgspec.json.encode) | st.binary(max_size=60)


@st.composite
def frames(draw: st.DrawFn) -> list[bytes | TruncatedError]:
    """Return the pieces of a stream that may be well formed, broken, or cut."""
    pieces: list[bytes | TruncatedError] = []
    for content in draw(st.lists(answers, max_size=5)):
        style = draw(st.sampled_from([b"data: %b\n\n", b"event: x\r\ndata: %b\r\n\r\n", b"%b\n"]))
        pieces.append(style % content)
    pieces += draw(st.sampled_from([[], [b"data: [DONE]\n\n"], [TruncatedError("cut")]]))
    return pieces


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("endpoint", ENDPOINTS)
@settings(max_examples=25)
@given(fields=fields, stream=st.booleans(), status=st.sampled_from([200, 200, 200, 400, 500]),
       data=st.data())  # fmt: skip
def test_nothing_crashes_the_gateway(
    protocol: Protocol,
    endpoint: Endpoint,
    fields: dict[str, Any],
    stream: bool,
    status: int,
    data: st.DataObject,
) -> None:

    kind = "e" if endpoint == "/v1/embeddings" else "m"
    minimal = {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 9, "input": "hi"}
    known = minimal if data.draw(st.booleans()) else {}
    body = {**known, **fields, "model": f"p-{protocol}/{kind}", "stream": stream}
    dialect: Dialect = "anthropic" if "messages" in endpoint else "openai"

    async def run() -> None:
        bench = Bench(TABLE)
        for _ in range(4):
            bench.client.script(f"p-{protocol}", FakeResponse(status, *data.draw(frames())))
        reply = await bench.ask(body, endpoint=endpoint, dialect=dialect)
        assert reply.finished
        assert reply.status in {200, 400, 401, 402, 403, 404, 408, 413, 422, 429, 502, 504}
        assert bench.rows[-1].final
        assert sum(row.final for row in bench.rows) == 1
        if reply.status != 200:
            document = msgspec.json.decode(reply.body)
            assert isinstance(document, dict)

    asyncio.run(run())


DEEP = range(sys.getrecursionlimit() - 100, sys.getrecursionlimit(), 2)
"""Depths of which the first reading of a body takes some, at which later ones give up."""

TOOL = b'"tools":[{"name":"f","strict":true,"input_schema":{"type":"object",%b:[%%b]}}]'


@pytest.mark.parametrize(
    ("protocol", "field"),
    [
        ("openai", TOOL % b'"items"'),
        ("openai", TOOL % b'"additionalProperties":false,"anyOf"'),
        ("openai", b'"system":null,' + TOOL % b'"items"'),
        ("anthropic", b'"thinking":{"budget_tokens":9000,"x":[%b]}'),
    ],
    ids=["schema", "strict", "null", "budget"],
)
async def test_a_request_of_any_depth_is_sent_or_refused(protocol: Protocol, field: bytes) -> None:
    providers = [provider(name, protocol=protocol) for name in ("one", "two")]
    models = [model("one/a"), model("two/b", max_output_tokens=4096)]
    pair = table(*providers, *models, chain("pair", "one/a", "two/b"))
    for depth in DEEP:
        bench = Bench(pair)
        bench.client.script("one", FakeResponse(404))
        bench.client.script("two", FakeResponse(400, error("it was sent")))
        deep = field % (b"[" * depth + b"]" * depth)
        body = b'{"model":"pair","max_tokens":9999,"messages":[],%b}' % deep
        reply = await bench.ask(body, endpoint="/v1/messages", dialect="anthropic")
        assert b"it was sent" in reply.body or b"nested" in reply.body


async def test_a_piece_of_an_answer_may_be_nested_deeply() -> None:
    bench = Bench(two_targets())
    said = b'data: {"choices":[{"delta":{"content":%b}}]}\n\n' % (b"[" * 600 + b"]" * 600)
    bench.client.script("one", FakeResponse(200, said, DONE))
    assert (await bench.ask(ASK_STREAM)).body == said + DONE


SEED = msgspec.json.encode({"model": "p-openai/m", "max_tokens": 9, "messages": [], "input": "hi"})
HEADERS = [
    b"x-modelops-prefer", b"x-modelops-user", b"x-request-id", b"traceparent", b"tracestate",
    b"anthropic-version", b"anthropic-beta", b"openai-beta",
]  # fmt: skip


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """Return a body of any bytes, or one that was well formed before some were exchanged."""
    content = SEED
    for _ in range(draw(st.integers(0, 3))):
        start = draw(st.integers(0, len(content)))
        end = draw(st.integers(start, min(start + 12, len(content))))
        content = content[:start] + draw(st.binary(max_size=6)) + content[end:]
    return draw(st.sampled_from([content, draw(st.binary(max_size=80))]))


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@settings(max_examples=60)
@given(
    content=damaged(),
    headers=st.dictionaries(st.sampled_from(HEADERS), st.binary(max_size=40)),
    agent=st.sampled_from(["", "somebody"]),
)
def test_no_bytes_crash_the_gateway(
    endpoint: Endpoint, content: bytes, headers: dict[bytes, bytes], agent: str
) -> None:

    async def run() -> None:
        bench = Bench(TABLE)
        for protocol in PROTOCOLS:
            bench.client.script(f"p-{protocol}", *(FakeResponse(400) for _ in range(4)))
        dialect: Dialect = "anthropic" if "messages" in endpoint else "openai"
        reply = await bench.ask(
            content, endpoint=endpoint, dialect=dialect, headers=headers, agent=agent
        )
        assert reply.finished
        assert 400 <= reply.status < 500, reply.body
        assert isinstance(msgspec.json.decode(reply.body), dict)
        assert [row.final for row in bench.rows] == [True]

    asyncio.run(run())
