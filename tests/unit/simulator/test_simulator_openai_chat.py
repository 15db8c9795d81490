"""OpenAI's chat completions without sockets: shapes, usage, refusals, the habits of copies."""

from __future__ import annotations

import json
from typing import Any

import pytest
from simulator_calls import body, chat, events, headers, payload, send, simulator, status

from modelops.simulator import tokens

TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
        },
    }
]
URL = "/openai/chat/completions"


def test_a_plain_answer_and_its_usage() -> None:
    answered = body(send(simulator(), URL, chat("Hello there, you")))
    choice = answered["choices"][0]
    assert choice["message"]["role"] == "assistant"
    assert choice["finish_reason"] == "stop"
    usage = answered["usage"]
    assert usage["prompt_tokens"] == 4
    assert usage["completion_tokens"] == tokens.count(choice["message"]["content"])
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]


def test_equal_simulators_give_equal_answers() -> None:
    assert body(send(simulator(), URL, chat())) == body(send(simulator(), URL, chat()))


@pytest.mark.parametrize("asked", [True, False])
def test_a_stream_reports_usage_only_when_asked(asked: bool) -> None:
    options = {"include_usage": True} if asked else None
    exchange = send(simulator(), URL, chat(stream=True, stream_options=options))
    assert headers(exchange)["content-type"].startswith("text/event-stream")
    assert payload(exchange).endswith(b"data: [DONE]\n\n")
    chunks = events(exchange)
    text = "".join(c["choices"][0]["delta"].get("content") or "" for c in chunks if c["choices"])
    assert text == body(send(simulator(), URL, chat()))["choices"][0]["message"]["content"]
    if asked:
        assert chunks[-1]["choices"] == []
        assert chunks[-1]["usage"]["completion_tokens"] == tokens.count(text)
        assert all(chunk["usage"] is None for chunk in chunks[:-1])
    else:
        assert not any("usage" in chunk for chunk in chunks)


def test_a_streamed_tool_call_comes_in_pieces() -> None:
    asked = chat('call get_weather {"city": "Paris, France"}', tools=TOOLS, stream=True)
    deltas = [chunk["choices"][0]["delta"] for chunk in events(send(simulator(), URL, asked))]
    calls = [call for delta in deltas for call in delta.get("tool_calls", ())]
    assert calls[0]["function"] == {"name": "get_weather", "arguments": ""}
    arguments = "".join(call["function"]["arguments"] for call in calls)
    assert json.loads(arguments) == {"city": "Paris, France"}
    assert len(calls) > 2


def test_a_conversation_with_tool_results_is_answered_with_text() -> None:
    first = body(send(simulator(), URL, chat("call get_weather", tools=TOOLS)))["choices"][0]
    call = first["message"]["tool_calls"][0]
    assert first["finish_reason"] == "tool_calls"
    conversation = [
        {"role": "user", "content": "call get_weather"},
        first["message"],
        {"role": "tool", "tool_call_id": call["id"], "content": "sunny"},
    ]
    asked = {"model": "gpt-4o", "messages": conversation, "tools": TOOLS}
    message = body(send(simulator(), URL, asked))["choices"][0]["message"]
    assert message["content"].endswith("get_weather: sunny")
    assert "tool_calls" not in message


@pytest.mark.parametrize(
    ("conversation", "part"),
    [
        ([], "empty array"),
        ([{"role": "tool", "tool_call_id": "x", "content": "y"}], "preceeding message"),
        (
            [
                {
                    "role": "assistant",
                    "tool_calls": [{"id": "c1", "function": {"name": "f", "arguments": "{}"}}],
                },
                {"role": "user", "content": "go on"},
            ],
            "c1",
        ),
    ],
)
def test_conversations_openai_refuses(conversation: list[Any], part: str) -> None:
    exchange = send(simulator(), URL, {"model": "gpt-4o", "messages": conversation})
    assert status(exchange) == 400
    error = body(exchange)["error"]
    assert part in error["message"]
    assert error["type"] == "invalid_request_error"


def test_max_tokens_is_refused_for_models_that_reason_at_openai_only() -> None:
    asked = chat(model="o3-mini", max_tokens=100)
    refused = body(send(simulator(), URL, asked))["error"]
    assert (refused["code"], refused["param"]) == ("unsupported_parameter", "max_tokens")
    assert status(send(simulator(), "/deepseek/chat/completions", asked)) == 200


def test_deepseek_wants_the_reasoning_of_a_tool_loop_back() -> None:
    call = {"id": "t1", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}
    words = {"role": "assistant", "content": "Wait."}
    asks = {"role": "assistant", "content": None, "tool_calls": [call]}
    told = {"role": "tool", "tool_call_id": "t1", "content": "mild"}
    user = {"role": "user", "content": "hi"}
    empty = {"reasoning_content": ""}

    def answered(*turns: dict[str, Any], provider: str = "deepseek", **more: Any) -> int:
        asked = chat(messages=[user, *turns], tools=TOOLS, model="deepseek-v4-flash", **more)
        return status(send(simulator(), f"/{provider}/chat/completions", asked))

    assert answered(asks, told) == 400
    assert answered(words, asks | empty, told) == 400
    assert answered(asks, told, words | empty, user) == 400
    assert answered(words | empty, asks | empty, told) == 200
    assert answered(asks | empty, told, words, user) == 200
    assert answered(asks, told, thinking={"type": "disabled"}) == 200
    assert answered(asks, told, provider="openai") == 200


@pytest.mark.parametrize(
    ("schema", "part"),
    [
        ({"properties": {"n": {}}, "additionalProperties": False}, "Missing 'n'"),
        ({"properties": {"n": {}}, "required": ["n"]}, "'additionalProperties' is required"),
        ({"additionalProperties": False, "$defs": {"x": {"type": "object"}}}, "('$defs', 'x')"),
    ],
)
def test_strict_schemas_are_closed_and_complete_at_openai_only(schema: Any, part: str) -> None:
    whole = {"type": "object", **schema}
    tool = {"name": "f", "parameters": whole, "strict": True}
    answer = {"name": "x", "schema": whole, "strict": True}
    for fields in (
        {"tools": [{"type": "function", "function": tool}]},
        {"response_format": {"type": "json_schema", "json_schema": answer}},
    ):
        asked = {**chat(), **fields}
        assert part in body(send(simulator(), URL, asked))["error"]["message"]
        assert status(send(simulator(), "/deepseek/chat/completions", asked)) == 200


@pytest.mark.parametrize("field", ["temperature", "top_p"])
def test_sampling_is_refused_by_models_that_only_reason(field: str) -> None:
    for model, expected in (("gpt-5-mini", 400), ("o3", 400), ("gpt-5.1", 200), ("gpt-4o", 200)):
        exchange = send(simulator(), URL, {**chat(model=model), field: 0.5})
        assert status(exchange) == expected
        if expected == 400:
            assert body(exchange)["error"]["param"] == field


def test_reasoning_is_counted_and_hidden_at_openai() -> None:
    answered = body(send(simulator(), URL, chat(model="o3-mini")))
    assert answered["usage"]["completion_tokens_details"]["reasoning_tokens"] > 0
    assert "reasoning" not in json.dumps(answered["choices"])


def test_json_schema_output_fits() -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}}
    asked = chat(
        response_format={"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    )
    content = body(send(simulator(), URL, asked))["choices"][0]["message"]["content"]
    assert json.loads(content) == {"n": 1}


def test_the_limit_ends_an_answer() -> None:
    choice = body(send(simulator(), URL, chat(max_completion_tokens=3)))["choices"][0]
    assert (choice["finish_reason"], choice["message"]["content"]) == ("length", "This is a")


def test_the_limit_ends_the_arguments_of_a_call() -> None:
    asked = chat("call get_weather", tools=TOOLS, max_completion_tokens=4)
    answered = body(send(simulator(), URL, asked))
    choice = answered["choices"][0]
    assert choice["finish_reason"] == "length"
    assert choice["message"]["tool_calls"][0]["function"]["arguments"] == '{"city'
    assert answered["usage"]["completion_tokens"] == 4


def test_several_choices_are_all_paid_for() -> None:
    one = body(send(simulator(), URL, chat()))["usage"]["completion_tokens"]
    three = body(send(simulator(), URL, chat(n=3)))
    assert len(three["choices"]) == 3
    assert three["usage"]["completion_tokens"] == 3 * one


def test_usage_stands_on_the_finish_chunk_at_deepseek() -> None:
    exchange = send(simulator(), "/deepseek/chat/completions", chat(stream=True))
    last = events(exchange)[-1]
    assert last["choices"][0]["finish_reason"] == "stop"
    assert last["usage"]["prompt_cache_miss_tokens"] == last["usage"]["prompt_tokens"]
    assert payload(exchange).startswith(b": keep-alive\n\n")


def test_reasoning_is_counted_beside_the_output_at_xai() -> None:
    asked = chat(reasoning_effort="high")
    usage = body(send(simulator(), "/xai/chat/completions", asked))["usage"]
    reasoning = usage["completion_tokens_details"]["reasoning_tokens"]
    assert reasoning > 0
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"] + reasoning


def test_openrouter_says_what_it_cost_and_groq_hides_usage_in_its_own_field() -> None:
    chunks = events(send(simulator(), "/openrouter/chat/completions", chat(stream=True)))
    usage = chunks[-1]["usage"]
    assert usage["cost"] == pytest.approx(usage["total_tokens"] / 1e6)
    chunks = events(send(simulator(), "/groq/chat/completions", chat(stream=True)))
    assert chunks[-1]["x_groq"]["usage"]["prompt_tokens"] == 2
    assert "usage" not in chunks[-1]


def test_the_ledger_has_what_the_usage_says() -> None:
    sim = simulator()
    exchange = send(sim, URL, chat(user="someone", reasoning_effort="high"))
    sim.ended(exchange, "completed", 1)
    usage = body(exchange)["usage"]
    entry = sim.ledger.entries[-1]
    assert entry.tokens.input == usage["prompt_tokens"]
    assert entry.tokens.output == usage["completion_tokens"]
    assert (entry.user, entry.request_id) == ("someone", headers(exchange)["x-request-id"])
