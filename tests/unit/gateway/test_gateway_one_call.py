"""One tool call at a time, also from targets that cannot be told so: the client gets the first."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from gateway_doubles import Bench, FakeResponse, chain, error, model, provider, table

from modelops.gateway.body import Body
from modelops.gateway.call import Endpoint
from modelops.gateway.protocols import ADAPTERS
from modelops.resources.resolved import Protocol

CHAT: Endpoint = "/v1/chat/completions"
MESSAGES: Endpoint = "/v1/messages"

HI: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
ASKED: dict[Endpoint, dict[str, Any]] = {
    CHAT: {
        **HI,
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}],
        "parallel_tool_calls": False,
    },
    MESSAGES: {
        **HI,
        "max_tokens": 9,
        "tools": [{"name": "f", "input_schema": {}}],
        "tool_choice": {"type": "auto", "disable_parallel_tool_use": True},
    },
}
"""What clients send that take one call at a time."""

PARALLEL = {"parallel_tool_calls": None, "tool_choice": None}


def gemini(*cities: str) -> dict[str, Any]:
    """Return a piece of Gemini's answer that calls f for each city."""
    parts = [{"functionCall": {"name": "f", "args": {"city": city}}} for city in cities]
    return {
        "responseId": "r",
        "candidates": [{"content": {"parts": parts}, "finishReason": "STOP"}],
        "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 2},
    }


def ollama(*cities: str) -> dict[str, Any]:
    """Return a line of Ollama's answer that calls f for each city."""
    calls = [{"function": {"name": "f", "arguments": {"city": city}}} for city in cities]
    return {"message": {"tool_calls": calls}, "done": True, "done_reason": "stop"}


WHOLE: dict[Protocol, bytes] = {
    "gemini": msgspec.json.encode(gemini("Paris", "Paris", "Rome")),
    "ollama": msgspec.json.encode(ollama("Paris", "Paris", "Rome")),
}
STREAMED: dict[Protocol, bytes] = {
    "gemini": b"data: %b\r\n\r\n" % WHOLE["gemini"],
    "ollama": WHOLE["ollama"] + b"\n",
}


@pytest.mark.parametrize("protocol", ["gemini", "ollama"])
@pytest.mark.parametrize("endpoint", [CHAT, MESSAGES])
@pytest.mark.parametrize("serial", [True, False])
def test_a_client_that_takes_one_call_at_a_time_gets_the_first(
    endpoint: Endpoint, protocol: Protocol, *, serial: bool
) -> None:
    adapter = ADAPTERS[endpoint, protocol]
    one = table(provider("one", protocol=protocol), model("one/m")).models["one/m"]
    asked = ASKED[endpoint] if serial else {**ASKED[endpoint], **PARALLEL}
    body = Body(endpoint, msgspec.json.encode(asked))
    adapter.outgoing(body, {}, one, None)
    wanted = (1, 0) if serial else (2, 1)

    answer = adapter.answer(WHOLE[protocol], body)
    assert (answer.body.count(b"Paris"), answer.body.count(b"Rome")) == wanted
    assert b'"tool_calls"' in answer.body or b'"stop_reason":"tool_use"' in answer.body

    stream = adapter.stream(body)
    out = stream.feed(STREAMED[protocol]) + stream.close() + stream.end
    assert (out.count(b"Paris"), out.count(b"Rome")) == wanted
    assert b'"finish_reason":"tool_calls"' in out or b'"stop_reason":"tool_use"' in out


@pytest.mark.parametrize("stream", [True, False])
async def test_a_fallback_that_is_asked_for_less_is_held_to_it_too(*, stream: bool) -> None:
    bench = Bench(
        table(
            provider("one"),
            provider("two", protocol="gemini"),
            model("one/a"),
            model("two/b", max_output_tokens=100),
            chain("pair", "one/a", "two/b"),
        )
    )
    bench.client.script("one", FakeResponse(401, error()))
    bench.client.script("two", FakeResponse(200, (STREAMED if stream else WHOLE)["gemini"]))
    reply = await bench.ask({**ASKED[CHAT], "model": "pair", "max_tokens": 200, "stream": stream})
    assert (reply.status, reply.body.count(b"Paris")) == (200, 1)
