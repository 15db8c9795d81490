"""OpenAI's responses without sockets: events, tools, kept conversations."""

from __future__ import annotations

import json
from typing import Any

import pytest
from simulator_calls import body, events, payload, send, simulator, status

from modelops.simulator import tokens
from modelops.simulator.simulator import Exchange, Simulator

URL = "/openai/v1/responses"
TOOLS = [
    {
        "type": "function",
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    }
]


def post(sim: Simulator | None = None, **fields: Any) -> Exchange:
    asked = {"model": "gpt-4o", "input": "Hello there", **fields}
    return send(sim or simulator(), URL, asked)


def test_a_plain_answer_and_its_usage() -> None:
    answered = body(post())
    text = answered["output"][0]["content"][0]["text"]
    assert (answered["status"], answered["usage"]["input_tokens"]) == ("completed", 2)
    assert answered["usage"]["output_tokens"] == tokens.count(text)


def test_a_stream_is_numbered_and_ends_with_the_whole() -> None:
    exchange = post(stream=True)
    found = events(exchange)
    assert [event["sequence_number"] for event in found] == list(range(len(found)))
    assert (found[0]["type"], found[-1]["type"]) == ("response.created", "response.completed")
    text = "".join(e["delta"] for e in found if e["type"] == "response.output_text.delta")
    assert text == found[-1]["response"]["output"][0]["content"][0]["text"]
    assert found[-1]["response"]["usage"]["output_tokens"] == tokens.count(text)
    assert b"[DONE]" not in payload(exchange)


def test_an_answer_that_is_cut_is_incomplete() -> None:
    found = events(post(stream=True, max_output_tokens=3))
    assert found[-1]["type"] == "response.incomplete"
    assert found[-1]["response"]["incomplete_details"] == {"reason": "max_output_tokens"}


def test_a_tool_is_called_and_its_output_answered() -> None:
    sim = simulator()
    called = body(post(sim, input="call get_weather", tools=TOOLS))
    call = called["output"][0]
    assert json.loads(call["arguments"]) == {"city": "text"}
    output = {"type": "function_call_output", "call_id": call["call_id"], "output": "sunny"}
    history = [{"role": "user", "content": "call get_weather"}, call, output]
    text = body(post(sim, input=history, tools=TOOLS))["output"][0]["content"][0]["text"]
    assert text.endswith("get_weather: sunny")
    went_on = post(sim, input=[output], previous_response_id=called["id"])
    assert status(went_on) == 200


def test_a_kept_conversation_counts_as_input() -> None:
    sim = simulator()
    first = body(post(sim))
    second = body(post(sim, previous_response_id=first["id"]))
    used = first["usage"]
    assert second["usage"]["input_tokens"] == 2 + used["input_tokens"] + used["output_tokens"]


def test_a_conversation_that_was_not_kept_is_not_found() -> None:
    sim = simulator()
    first = body(post(sim, store=False))
    refused = post(sim, previous_response_id=first["id"])
    assert (status(refused), body(refused)["error"]["code"]) == (
        400,
        "previous_response_not_found",
    )


@pytest.mark.parametrize(
    "items",
    [
        [],
        [{"type": "function_call_output", "call_id": "x", "output": "y"}],
        [{"type": "function_call", "call_id": "x", "name": "f", "arguments": "{}"}],
    ],
)
def test_input_openai_refuses(items: list[Any]) -> None:
    assert status(post(input=items)) == 400


def test_reasoning_has_an_item_and_tokens_and_no_text() -> None:
    answered = body(post(reasoning={"effort": "high"}))
    assert [item["type"] for item in answered["output"]] == ["reasoning", "message"]
    assert answered["usage"]["output_tokens_details"]["reasoning_tokens"] > 0
