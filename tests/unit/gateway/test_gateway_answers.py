"""Whole answers that are translated: cut ones are answers, broken ones are failures."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from gateway_doubles import (
    DONE,
    HELLO,
    Bench,
    FakeResponse,
    chain,
    chunk,
    completion,
    model,
    provider,
    table,
)

from modelops.gateway.body import Body
from modelops.gateway.protocols import ADAPTERS

TABLE = table(
    provider("one"), provider("two"), model("one/a"), model("two/b"),
    chain("pair", "one/a", "two/b"),
)  # fmt: skip
ASK: dict[str, Any] = {
    "model": "pair",
    "max_tokens": 9,
    "messages": [{"role": "user", "content": "hi"}],
}


def called(arguments: str, reason: str) -> bytes:
    """Return a chat completion that calls a tool."""
    call = {"id": "t1", "type": "function", "function": {"name": "f", "arguments": arguments}}
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    choice = {"index": 0, "message": message, "finish_reason": reason}
    return msgspec.json.encode({"id": "c1", "model": "m", "choices": [choice]})


def of(bench_reply: bytes) -> dict[str, Any]:
    """Return an answer decoded."""
    return msgspec.json.decode(bench_reply, type=dict[str, Any])


async def test_a_tool_call_cut_off_by_the_limit_is_an_answer() -> None:
    bench = Bench(TABLE)
    bench.client.script("one", FakeResponse(200, called('{"a":', "length")))
    reply = await bench.ask(ASK, endpoint="/v1/messages", dialect="anthropic")
    assert (reply.status, [row.outcome for row in bench.rows]) == (200, ["success"])
    answer = of(reply.body)
    assert answer["stop_reason"] == "max_tokens"
    (block,) = answer["content"]
    assert (block["name"], block["input"]) == ("f", {"INVALID_JSON": '{"a":'})


async def test_a_tool_call_without_arguments_that_was_not_cut_off_is_a_failure() -> None:
    bench = Bench(TABLE)
    bench.client.script(
        "one", *[FakeResponse(200, called('{"a":', "tool_calls")) for _ in range(3)]
    )
    bench.client.script("two", FakeResponse(200, called('{"a":1}', "tool_calls")))
    reply = await bench.ask(ASK, endpoint="/v1/messages", dialect="anthropic")
    assert of(reply.body)["content"][0]["input"] == {"a": 1}
    assert reply.headers["x-modelops-target"] == "two/b"


@pytest.mark.parametrize("protocol", ["anthropic", "gemini", "ollama"])
def test_what_a_model_wrote_instead_of_arguments_goes_back_to_it(protocol: Any) -> None:
    message = of(called('{"a":', "length"))["choices"][0]["message"]
    result = {"role": "tool", "tool_call_id": "t1", "content": "not JSON"}
    asked = {**ASK, "messages": [*ASK["messages"], message, result]}
    target = table(provider("one", protocol=protocol), model("one/a")).models["one/a"]
    body = Body("/v1/chat/completions", msgspec.json.encode(asked))
    sent = ADAPTERS["/v1/chat/completions", protocol].outgoing(body, {}, target, None)
    assert b'{"INVALID_JSON":"{\\"a\\":"}' in sent.body


BROKEN: list[dict[str, Any]] = [
    {"finish_reason": "error", "error": {"code": 502, "message": "upstream died"}},
    {"finish_reason": "error"},
    {"finish_reason": None, "error": {"code": 502, "message": "upstream died"}},
]


@pytest.mark.parametrize("endpoint", ["/v1/messages", "/v1/chat/completions"])
@pytest.mark.parametrize("ended", BROKEN)
async def test_a_choice_that_holds_an_error_is_a_failure(
    endpoint: Any, ended: dict[str, Any]
) -> None:
    bench = Bench(TABLE)
    choice = {"index": 0, "message": {"role": "assistant", "content": ""}, **ended}
    broken = msgspec.json.encode({"id": "c1", "model": "m", "choices": [choice]})
    bench.client.script("one", *[FakeResponse(200, broken) for _ in range(3)])
    bench.client.script("two", FakeResponse(200, completion()))
    reply = await bench.ask(ASK, endpoint=endpoint)
    assert (reply.status, reply.headers["x-modelops-target"]) == (200, "two/b")


async def test_a_stream_that_ends_with_an_error_is_cut() -> None:
    bench = Bench(TABLE)
    bench.client.script("one", FakeResponse(200, HELLO, chunk({}, "error"), DONE))
    reply = await bench.ask({**ASK, "stream": True})
    assert reply.body.startswith(HELLO)
    assert b'"code":"stream_interrupted"' in reply.body
    assert [row.outcome for row in bench.rows] == ["failed"]
