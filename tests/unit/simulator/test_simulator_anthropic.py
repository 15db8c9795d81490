"""Anthropic's messages without sockets: events, usage, refusals."""

from __future__ import annotations

import json
from typing import Any

import pytest
from simulator_calls import (
    ANTHROPIC,
    body,
    events,
    headers,
    messages,
    payload,
    send,
    simulator,
    status,
)

from modelops.simulator import tokens
from modelops.simulator.simulator import Exchange, Simulator

URL = "/anthropic/v1/messages"
TOOLS = [
    {
        "name": "get_weather",
        "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}},
    }
]
THINK: dict[str, Any] = {"thinking": {"type": "enabled", "budget_tokens": 1024}, "max_tokens": 4000}
ASK = {"role": "user", "content": "call get_weather"}
USE = {"type": "tool_use", "id": "t1", "name": "get_weather", "input": {"city": "Paris"}}
RESULT = {"type": "tool_result", "tool_use_id": "t1", "content": "sunny"}
LATE = {"role": "system", "content": "from now on"}
LOOP = [ASK, {"role": "assistant", "content": [USE]}, {"role": "user", "content": [RESULT]}]


def post(asked: dict[str, Any], sim: Simulator | None = None) -> Exchange:
    return send(sim or simulator(), URL, asked, ANTHROPIC)


def test_a_plain_answer_and_its_usage() -> None:
    answered = body(post(messages("Hello there")))
    text = answered["content"][0]["text"]
    assert answered["stop_reason"] == "end_turn"
    assert answered["usage"]["input_tokens"] == 2
    assert answered["usage"]["output_tokens"] == tokens.count(text)


def test_a_stream_has_named_events_in_order() -> None:
    exchange = post(messages(stream=True))
    names = [line[7:] for line in payload(exchange).decode().splitlines() if line[:6] == "event:"]
    assert names[:3] == ["message_start", "content_block_start", "ping"]
    assert names[-3:] == ["content_block_stop", "message_delta", "message_stop"]
    assert set(names[3:-3]) == {"content_block_delta"}
    assert [event["type"] for event in events(exchange)] == names


def test_a_stream_says_the_same_as_a_plain_answer() -> None:
    plain = body(post(messages(**THINK)))
    streamed = events(post(messages(stream=True, **THINK)))
    deltas = [event["delta"] for event in streamed if event["type"] == "content_block_delta"]
    thinking, text = plain["content"]
    assert "".join(d.get("thinking", "") for d in deltas) == thinking["thinking"]
    assert "".join(d.get("signature", "") for d in deltas) == thinking["signature"]
    assert "".join(d.get("text", "") for d in deltas) == text["text"]
    assert streamed[0]["message"]["usage"]["output_tokens"] == 1
    assert streamed[-2]["usage"]["output_tokens"] == plain["usage"]["output_tokens"]
    assert plain["usage"]["output_tokens_details"]["thinking_tokens"] > 0


def test_a_streamed_tool_call_comes_in_pieces() -> None:
    asked = messages('call get_weather {"city": "Paris, France"}', tools=TOOLS, stream=True)
    streamed = events(post(asked))
    started = [event for event in streamed if event["type"] == "content_block_start"]
    assert started[0]["content_block"]["input"] == {}
    pieces = [e["delta"]["partial_json"] for e in streamed if e["type"] == "content_block_delta"]
    assert json.loads("".join(pieces)) == {"city": "Paris, France"}
    assert streamed[-2]["delta"]["stop_reason"] == "tool_use"


def test_a_tool_result_is_answered_with_text() -> None:
    conversation = [
        ASK,
        {"role": "assistant", "content": [USE]},
        {"role": "user", "content": [RESULT]},
    ]
    answered = body(post(messages(messages=conversation, tools=TOOLS)))
    assert answered["content"][0]["text"].endswith("get_weather: sunny")


def test_the_cache_stands_beside_the_input() -> None:
    sim = simulator()
    system = [{"type": "text", "text": "word " * 2000, "cache_control": {"type": "ephemeral"}}]
    written = body(post(messages(system=system), sim))["usage"]
    read = body(post(messages(system=system), sim))["usage"]
    cached = tokens.count(system[0]["text"])  # type: ignore[arg-type]
    assert written["cache_creation_input_tokens"] == cached
    assert written["cache_creation"]["ephemeral_5m_input_tokens"] == cached
    assert (read["cache_read_input_tokens"], read["cache_creation_input_tokens"]) == (cached, 0)
    assert written["input_tokens"] == read["input_tokens"] == 2


def test_counting_agrees_with_using() -> None:
    asked = messages("How many are these?", system="Be brief.", tools=TOOLS)
    counted = body(send(simulator(), f"{URL}/count_tokens", asked, ANTHROPIC))
    assert counted == {"input_tokens": body(post(asked))["usage"]["input_tokens"]}


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"messages": []}, "at least one message"),
        ({"messages": [{"role": "assistant", "content": "x"}]}, "first message"),
        ({"messages": [{"role": "system", "content": "x"}]}, "first message"),
        ({"messages": [ASK, {"role": "tool", "content": "x"}]}, "Input should be"),
        ({"messages": [{"role": "user", "content": " "}]}, "non-empty"),
        ({"messages": [ASK, {"role": "assistant", "content": "x "}]}, "trailing whitespace"),
        ({"messages": [{"role": "user", "content": [RESULT]}]}, "unexpected `tool_use_id`"),
        ({"messages": [ASK, {"role": "assistant", "content": [USE]}, ASK]}, "were found without"),
        ({"max_tokens": None}, "max_tokens: Field required"),
        ({"temperature": 1.5}, "temperature: range"),
        ({**THINK, "max_tokens": 1000}, "must be greater than"),
        ({**THINK, "temperature": 0.5}, "only be set to 1"),
        ({**THINK, "top_p": 0.5}, "`top_p` must be"),
        ({**THINK, "tool_choice": {"type": "any"}}, "forces tool use"),
        ({**THINK, "model": "claude-opus-4-7"}, '"thinking.type.enabled" is not supported'),
        ({"model": "claude-sonnet-4-5", "thinking": {"type": "adaptive"}}, "not supported"),
        ({"model": "claude-fable-5", "thinking": {"type": "disabled"}}, "not supported"),
        ({"model": "claude-opus-5", "temperature": 0.5}, "`temperature` is deprecated"),
        ({"model": "claude-opus-4-6", "output_config": {"effort": "xhigh"}}, "effort"),
        ({"model": "claude-opus-5", "output_config": {"effort": "minimal"}}, "effort"),
        ({**THINK, "messages": LOOP}, "but found `tool_use`"),
        ({"messages": [ASK, {"role": "system", "content": "x"}]}, "not supported on this model"),
        ({"model": "claude-opus-5", "messages": [*LOOP[:2], LATE, LOOP[2]]}, "must follow"),
        (
            {
                "messages": [
                    ASK,
                    {
                        "role": "assistant",
                        "content": [{"type": "thinking", "thinking": "x", "signature": "forged"}],
                    },
                    ASK,
                ]
            },
            "Invalid `signature`",
        ),
    ],
)
def test_requests_anthropic_refuses(change: dict[str, Any], part: str) -> None:
    exchange = post({**messages(), **change})
    error = body(exchange)
    assert (status(exchange), error["error"]["type"]) == (400, "invalid_request_error")
    assert part in error["error"]["message"]
    assert error["request_id"] == headers(exchange)["request-id"]


def test_thinking_brought_back_with_its_signature_is_taken() -> None:
    content = body(post(messages(**THINK)))["content"]
    conversation = [ASK, {"role": "assistant", "content": content}, ASK]
    assert status(post(messages(messages=conversation))) == 200


def test_newer_models_decide_themselves_how_much_to_think() -> None:
    asked: dict[str, Any] = {
        "thinking": {"type": "adaptive"},
        "output_config": {"effort": "max"},
        "temperature": 1,
    }
    asked["messages"] = [ASK, LATE]
    forced = {"tool_choice": {"type": "any"}, "tools": TOOLS}
    for more in ({}, {"messages": LOOP}, forced):
        assert status(post({**messages(), **asked, "model": "claude-opus-4-8", **more})) == 200
    assert status(post(messages(messages=LOOP))) == 200, "without thinking no thought is missed"


def test_the_version_header_is_needed() -> None:
    refused = send(simulator(), URL, messages(), {"x-api-key": "k"})
    assert "anthropic-version" in body(refused)["error"]["message"]


def threaded(kind: dict[str, str], sim: Simulator, text: str = "Hi", **fields: Any) -> Exchange:
    beta = ANTHROPIC | {"anthropic-beta": "message-threads-2026-08-12"}
    return send(sim, URL, messages(text, thread=kind, **fields), beta)


def test_a_thread_holds_what_was_said_before() -> None:
    sim = simulator()
    called = body(threaded({"type": "create"}, sim, "call get_weather", tools=TOOLS))
    use = called["content"][-1]
    going_on = {"type": "continue", "previous_message_id": called["id"]}
    result = {"role": "user", "content": [{**RESULT, "tool_use_id": use["id"]}]}
    answered = body(threaded(going_on, sim, messages=[result]))
    assert answered["content"][-1]["text"].endswith("get_weather: sunny")
    assert answered["usage"]["input_tokens"] > called["usage"]["input_tokens"]
    assert status(threaded(going_on, sim, tools=TOOLS)) == 400


def test_a_thread_that_is_not_kept_is_not_found() -> None:
    gone = threaded({"type": "continue", "previous_message_id": "msg_1"}, simulator())
    assert (status(gone), body(gone)["error"]["type"]) == (404, "not_found_error")
    assert body(gone)["error"]["details"] == {"error_code": "thread_not_found"}


def test_a_thread_needs_its_beta() -> None:
    refused = post(messages(thread={"type": "create"}))
    assert body(refused)["error"]["message"] == "thread: Extra inputs are not permitted"
