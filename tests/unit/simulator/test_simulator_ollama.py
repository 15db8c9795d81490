"""Ollama's own protocol without sockets."""

from __future__ import annotations

import json
from typing import Any

import pytest
from simulator_calls import body, headers, payload, send, simulator, status

from modelops.simulator import tokens
from modelops.simulator.simulator import Exchange

HELLO = [{"role": "user", "content": "Hello there"}]
TOOLS = [{"type": "function", "function": {"name": "get_time", "parameters": {}}}]


def post(**fields: Any) -> Exchange:
    return send(simulator(), "/ollama/api/chat", {"model": "m", "messages": HELLO, **fields}, {})


def lines(exchange: Exchange) -> list[Any]:
    return [json.loads(line) for line in payload(exchange).splitlines()]


def test_a_stream_is_the_default_and_ends_with_the_counts() -> None:
    exchange = post()
    assert headers(exchange)["content-type"] == "application/x-ndjson"
    found = lines(exchange)
    text = "".join(line["message"]["content"] for line in found)
    assert [line["done"] for line in found] == [False] * (len(found) - 1) + [True]
    assert (found[-1]["prompt_eval_count"], found[-1]["eval_count"]) == (2, tokens.count(text))
    plain = body(post(stream=False))
    assert plain["message"]["content"] == text
    assert plain["eval_count"] == found[-1]["eval_count"]


def test_thinking_has_its_own_field() -> None:
    message = body(post(stream=False, think=True))["message"]
    assert message["thinking"]
    assert (
        "".join(line["message"].get("thinking", "") for line in lines(post(think=True)))
        == (message["thinking"])
    )


def test_a_tool_is_called_with_an_object_and_answered() -> None:
    asked = [{"role": "user", "content": 'call get_time {"zone": "UTC"}'}]
    message = body(post(messages=asked, tools=TOOLS, stream=False))["message"]
    assert message["tool_calls"] == [
        {"function": {"name": "get_time", "arguments": {"zone": "UTC"}}}
    ]
    streamed = [line["message"] for line in lines(post(messages=asked, tools=TOOLS))]
    assert [m["tool_calls"] for m in streamed if "tool_calls" in m] == [message["tool_calls"]]
    history = [*asked, message, {"role": "tool", "content": "noon"}]
    text = body(post(messages=history, stream=False))["message"]["content"]
    assert text.endswith("get_time: noon")


def test_the_limit_and_the_format_are_kept() -> None:
    cut = body(post(stream=False, options={"num_predict": 2}))
    assert (cut["done_reason"], cut["eval_count"]) == ("length", 2)
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}}
    assert json.loads(body(post(stream=False, format=schema))["message"]["content"]) == {"n": 1}


def test_errors_are_one_string() -> None:
    refused = post(messages=[{"role": "wizard", "content": "x"}])
    assert (status(refused), body(refused)) == (400, {"error": "invalid role in messages"})


def test_an_endpoint_that_is_not_there_is_refused_in_its_own_shape() -> None:
    missing = send(simulator(), "/ollama/api/generate", {}, {})
    assert (status(missing), list(body(missing))) == (404, ["error"])
    assert isinstance(body(missing)["error"], str)


def test_what_is_installed_and_which_version() -> None:
    sim = simulator()
    send(sim, "/_simulator/models", {"provider": "ollama", "models": ["llama3.2"]})
    assert body(send(sim, "/ollama/api/tags", None, {}, "GET"))["models"][0]["name"] == "llama3.2"
    assert "version" in body(send(sim, "/ollama/api/version", None, {}, "GET"))
    shown = body(send(sim, "/ollama/api/show", {"model": "llama3.2"}, {}))
    assert "tools" in shown["capabilities"]
    assert status(send(sim, "/ollama/api/show", {"model": "gone"}, {})) == 404


@pytest.mark.parametrize("value", ["one two", ["one", "two"]])
def test_texts_are_embedded(value: Any) -> None:
    made = body(send(simulator(), "/ollama/api/embed", {"model": "e", "input": value}, {}))
    assert made["prompt_eval_count"] == 2
    assert len(made["embeddings"][0]) == 768
