"""Embeddings and token counts from targets that speak another protocol; fields that are null."""

from __future__ import annotations

import base64
import struct
from typing import Any

import msgspec
import pytest
from gateway_doubles import Bench, FakeResponse, model, provider, table

from modelops.gateway.body import Body
from modelops.gateway.call import Endpoint
from modelops.gateway.protocols import ADAPTERS
from modelops.gateway.protocols.adapter import CannotCarryError
from modelops.gateway.protocols.conversation import Conversation
from modelops.gateway.table import Target

EMBED: Endpoint = "/v1/embeddings"
COUNT: Endpoint = "/v1/messages/count_tokens"
PROTOCOLS: tuple[Any, ...] = ("gemini", "ollama")
ALL: tuple[Any, ...] = (*PROTOCOLS, "openai")
TABLE = table(
    *(provider(name, protocol=name) for name in ALL),
    *(model(f"{name}/e", type="embedding", upstream_model="e-1") for name in ALL),
    *(model(f"{name}/m", upstream_model="m-1") for name in PROTOCOLS),
)
VECTORS = [[0.5, -0.25], [1.0, 0.0]]
ANSWERS: dict[str, dict[str, Any]] = {
    "gemini": {"embeddings": [{"values": vector} for vector in VECTORS]},
    "ollama": {"model": "e-1", "embeddings": VECTORS, "prompt_eval_count": 7},
}


def sent(bench: Bench) -> dict[str, Any]:
    """Return the body of the last request a provider got."""
    body: dict[str, Any] = msgspec.json.decode(bench.client.requests[-1].body)
    return body


def bench_of(protocol: str, *answers: object) -> Bench:
    """Return a gateway whose provider answers these bodies."""
    bench = Bench(TABLE)
    bench.client.script(
        protocol, *(FakeResponse(200, msgspec.json.encode(answer)) for answer in answers)
    )
    return bench


async def test_gemini_embeds_a_batch() -> None:
    bench = bench_of("gemini", ANSWERS["gemini"])
    asked = {"model": "gemini/e", "input": ["a", "b"], "dimensions": 2, "user": "me"}
    reply = await bench.ask(asked, endpoint=EMBED)
    assert bench.client.requests[0].path == "/v1/models/e-1:batchEmbedContents"
    one = {"model": "models/e-1", "outputDimensionality": 2}
    assert sent(bench) == {
        "requests": [{**one, "content": {"parts": [{"text": text}]}} for text in "ab"]
    }
    assert msgspec.json.decode(reply.body) == {
        "object": "list",
        "data": [
            {"object": "embedding", "index": index, "embedding": vector}
            for index, vector in enumerate(VECTORS)
        ],
        "model": "gemini/e",
        "usage": None,
    }
    (row,) = bench.rows
    assert row.usage.input_tokens is None, "a count nobody made is not 0"
    assert row.cost.total_pico is None
    assert row.cost.estimate_pico == -(-len(msgspec.json.encode(asked)) // 4) * 1_000_000


async def test_gemini_counts_what_it_embeds() -> None:
    counted = {**ANSWERS["gemini"], "usageMetadata": {"promptTokenCount": 7}}
    bench = bench_of("gemini", counted)
    reply = await bench.ask({"model": "gemini/e", "input": ["a", "b"]}, endpoint=EMBED)
    assert msgspec.json.decode(reply.body)["usage"] == {"prompt_tokens": 7, "total_tokens": 7}
    assert bench.rows[0].cost.total_pico == 7_000_000


async def test_ollama_embeds_and_counts() -> None:
    bench = bench_of("ollama", {**ANSWERS["ollama"], "embeddings": VECTORS[:1]})
    reply = await bench.ask({"model": "ollama/e", "input": "a"}, endpoint=EMBED)
    assert bench.client.requests[0].path == "/v1/api/embed"
    assert sent(bench) == {"model": "e-1", "input": ["a"]}
    answered = msgspec.json.decode(reply.body)
    assert answered["usage"] == {"prompt_tokens": 7, "total_tokens": 7}
    (row,) = bench.rows
    assert (row.usage.input_tokens, row.usage.output_tokens) == (7, 0)
    assert row.cost.total_pico == 7_000_000, "there is nothing more to be priced"


async def test_an_embedding_without_a_total_has_no_output_either() -> None:
    bench = bench_of("openai", {"data": [], "usage": {"prompt_tokens": 7}})
    await bench.ask({"model": "openai/e", "input": "a"}, endpoint=EMBED)
    (row,) = bench.rows
    assert (row.usage.output_tokens, row.cost.total_pico) == (0, 7_000_000)


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_vectors_come_in_base64_as_the_sdk_asks(protocol: str) -> None:
    bench = bench_of(protocol, ANSWERS[protocol])
    asked = {"model": f"{protocol}/e", "input": ["a", "b"], "encoding_format": "base64"}
    data = msgspec.json.decode((await bench.ask(asked, endpoint=EMBED)).body)["data"]
    unpacked = [list(struct.unpack("<2f", base64.b64decode(one["embedding"]))) for one in data]
    assert unpacked == VECTORS


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    ("more", "feature"),
    [
        ({"input": [1, 2]}, "input"),
        ({"input": [[1, 2]]}, "input"),
        ({"some_future_field": 1}, "some_future_field"),
        ({"encoding_format": "int8"}, "encoding_format|int8"),
    ],
)
def test_what_an_embedding_cannot_carry_is_named(
    protocol: Any, more: dict[str, Any], feature: str
) -> None:
    body = Body(EMBED, msgspec.json.encode({"model": "x", "input": "a", **more}))
    target = TABLE.models[f"{protocol}/e"]
    with pytest.raises(CannotCarryError, match=feature):
        ADAPTERS[EMBED, protocol].outgoing(body, {}, target, None)


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"embeddings": []},
        {"embeddings": "no"},
        {"embeddings": [{"values": ["x"]}]},
        {"embeddings": [[1e300, 0.0]]},
        {"error": {"message": "sorry"}},
    ],
)
@pytest.mark.parametrize("protocol", ALL)
async def test_an_answer_without_its_vectors_is_none(protocol: str, answer: object) -> None:
    bench = bench_of(protocol, *[answer] * 4)
    asked = {"model": f"{protocol}/e", "input": "a", "encoding_format": "base64"}
    reply = await bench.ask(asked, endpoint=EMBED)
    assert reply.status == 502
    assert bench.rows[-1].outcome == "failed"


async def test_openais_own_embeddings_pass_as_they_are() -> None:
    answer = {"object": "list", "data": [{"embedding": "AAAA"}], "usage": {"prompt_tokens": 7}}
    bench = bench_of("openai", answer)
    asked = {"model": "openai/e", "input": [[1, 2]], "some_future_field": 1}
    reply = await bench.ask(asked, endpoint=EMBED)
    assert reply.body == msgspec.json.encode(answer)
    assert sent(bench) == {**asked, "model": "e-1"}
    assert bench.rows[0].usage.input_tokens == 7


async def test_gemini_counts_a_whole_request() -> None:
    bench = bench_of("gemini", {"totalTokens": 42})
    asked = {
        "model": "gemini/m",
        "system": "be brief",
        "messages": [{"role": "user", "content": "hi"}],
        "tools": [{"name": "f", "input_schema": {"type": "object"}}],
    }
    reply = await bench.ask(asked, endpoint=COUNT, dialect="anthropic")
    assert msgspec.json.decode(reply.body) == {"input_tokens": 42}
    assert bench.client.requests[0].path == "/v1/models/m-1:countTokens"
    counted = sent(bench)["generateContentRequest"]
    assert counted["model"] == "models/m-1"
    assert counted["systemInstruction"] == {"parts": [{"text": "be brief"}]}
    assert counted["tools"][0]["functionDeclarations"][0]["name"] == "f"
    assert bench.rows[0].usage.input_tokens == 0, "counting costs nothing"


@pytest.mark.parametrize(
    ("pair", "fields"),
    [
        (pair, {"max_tokens": 9, "messages": [], "input": "a"})
        for pair in ADAPTERS
        if pair[0] != "/v1/responses"
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_trace_context_goes_to_every_provider(pair: Any, fields: dict[str, Any]) -> None:
    endpoint, protocol = pair
    taken = {"input"} if endpoint == EMBED else {"max_tokens", "messages"}
    body = Body(endpoint, msgspec.json.encode({name: fields[name] for name in taken}))
    trace = {b"traceparent": b"00-1-2-01", b"authorization": b"Bearer mine", b"cookie": b"c"}
    one = table(provider("one", protocol=protocol), model("one/m")).models["one/m"]
    headers = ADAPTERS[pair].outgoing(body, trace, one, None).headers
    assert b"traceparent: 00-1-2-01\r\n" in headers
    assert b"mine" not in headers
    assert b"cookie" not in headers


# Fields that are null

CALL = {"type": "tool_use", "id": "t1", "name": "f", "input": {"a": None}, "toolset_name": None}
RESULT = {"type": "tool_result", "tool_use_id": "t1", "content": "ok"}
TOOL = {"name": "f", "input_schema": {"type": "object", "default": None}, "unheard_of": None}


def read(fields: dict[str, Any], endpoint: Endpoint = "/v1/messages") -> Conversation:
    """Read a request as a target of another protocol would be given it."""
    body = Body(endpoint, msgspec.json.encode(fields))
    target: Target = TABLE.models["gemini/m"]
    ADAPTERS[endpoint, "gemini"].outgoing(body, {}, target, None)
    assert isinstance(body.conversation, Conversation)
    return body.conversation


def test_a_null_field_counts_as_absent_but_not_within_the_callers_own_json() -> None:
    messages = [
        {"role": "user", "content": "hi", "future": None},
        {"role": "assistant", "content": [CALL]},
        {"role": "user", "content": [RESULT]},
    ]
    asked = read({"max_tokens": 9, "messages": messages, "tools": [TOOL], "container": None})
    (call,) = asked.messages[1].parts
    assert getattr(call, "arguments", "") == '{"a":null}'
    assert msgspec.json.decode(asked.tools[0].parameters) == TOOL["input_schema"]


def test_a_null_field_of_a_chat_counts_as_absent() -> None:
    message = {"role": "user", "content": "hi", "weight": None}
    asked = read({"messages": [message], "web_search_options": None}, "/v1/chat/completions")
    assert len(asked.messages) == 1


def test_an_unknown_field_with_a_value_is_still_named() -> None:
    block = {**CALL, "toolset_name": "browser"}
    with pytest.raises(CannotCarryError, match="toolset_name"):
        read({"max_tokens": 9, "messages": [{"role": "assistant", "content": [block]}]})


def test_an_id_used_twice_belongs_to_the_call_before_its_result() -> None:
    rounds: list[dict[str, Any]] = []
    for name in ("first", "second"):
        rounds.append({"role": "assistant", "content": [{**CALL, "name": name}]})
        rounds.append({"role": "user", "content": [RESULT]})
    asked = read({"max_tokens": 9, "messages": rounds})
    assert [getattr(turn.parts[0], "name", "") for turn in asked.messages[1::2]] == [
        "first",
        "second",
    ]
