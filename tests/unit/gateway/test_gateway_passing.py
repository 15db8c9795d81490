"""What goes up to a provider that speaks the caller's protocol: its bytes, not its keys."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from gateway_doubles import (
    Bench,
    FakeResponse,
    completion,
    error,
    model,
    provider,
    table,
    two_targets,
)
from hypothesis import given
from hypothesis import strategies as st

from modelops.gateway.body import Body
from modelops.gateway.call import Dialect, Endpoint
from modelops.gateway.protocols import ADAPTERS
from modelops.resources.resolved import Parameters, Protocol

TABLE = table(
    provider("one"),
    provider("claude", protocol="anthropic", auth="x-api-key"),
    model("one/m", upstream_model="m-2026"),
    model("one/e", upstream_model="m-2026", type="embedding"),
    model("claude/m", upstream_model="m-2026"),
)
NATIVE: list[tuple[Endpoint, Protocol, Dialect, str]] = [
    ("/v1/chat/completions", "openai", "openai", "one/m"),
    ("/v1/responses", "openai", "openai", "one/m"),
    ("/v1/embeddings", "openai", "openai", "one/e"),
    ("/v1/messages", "anthropic", "anthropic", "claude/m"),
    ("/v1/messages/count_tokens", "anthropic", "anthropic", "claude/m"),
]

GATEWAYS_OWN = {"model", "stream", "stream_options", "max_tokens", "max_completion_tokens"}
"""Fields whose way up has tests of its own: names and limits differ from provider to provider."""

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(-1e9, 1e9) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
bodies = st.dictionaries(
    st.text().filter(lambda name: name not in GATEWAYS_OWN), values, max_size=8
)


@pytest.mark.parametrize(
    ("endpoint", "protocol", "reference"),
    [(endpoint, protocol, reference) for endpoint, protocol, _, reference in NATIVE],
)
@given(fields=bodies)
def test_every_field_of_a_body_arrives_as_it_was_sent(
    endpoint: Endpoint,
    protocol: Protocol,
    reference: str,
    fields: dict[str, Any],
) -> None:
    content = msgspec.json.encode({**fields, "model": reference})
    sent = Body(endpoint, content)
    outgoing = ADAPTERS[endpoint, protocol].outgoing(sent, {}, TABLE.models[reference], None)
    raw = dict[str, msgspec.Raw]
    before, after = (msgspec.json.decode(one, type=raw) for one in (content, outgoing.body))
    assert msgspec.json.decode(after.pop("model")) == "m-2026"
    del before["model"]
    assert list(after) == list(before)
    assert {name: bytes(value) for name, value in after.items()} == {
        name: bytes(value) for name, value in before.items()
    }


@pytest.mark.parametrize("limit_field", ["max_tokens", "max_completion_tokens"])
@pytest.mark.parametrize(
    ("sent", "limit"),
    [
        ({"max_tokens": None, "max_completion_tokens": 100}, 100),
        ({"max_completion_tokens": None, "max_tokens": 100}, 100),
        ({"max_tokens": 100}, 100),
        ({"max_tokens": None, "max_completion_tokens": None}, None),
    ],
)
def test_a_limit_of_null_is_none(limit_field: Any, sent: dict[str, Any], limit: int | None) -> None:
    one = table(provider("one", token_limit_field=limit_field), model("one/m")).models["one/m"]
    body = Body("/v1/chat/completions", msgspec.json.encode({"messages": [], **sent}))
    agents = Parameters(max_tokens=7, temperature=None, top_p=None)
    for parameters, wanted in ((None, limit), (agents, limit or 7)):
        adapter = ADAPTERS["/v1/chat/completions", "openai"]
        fields = msgspec.json.decode(adapter.outgoing(body, {}, one, parameters).body)
        other = ({"max_tokens", "max_completion_tokens"} - {limit_field}).pop()
        assert (fields.get(limit_field), other in fields) == (wanted, False)


LIMITS: list[tuple[Endpoint, Dialect, str]] = [
    ("/v1/chat/completions", "openai", "max_tokens"),
    ("/v1/chat/completions", "openai", "max_completion_tokens"),
    ("/v1/messages", "anthropic", "max_tokens"),
    ("/v1/responses", "openai", "max_output_tokens"),
]


@pytest.mark.parametrize(("endpoint", "dialect", "name"), LIMITS)
@pytest.mark.parametrize(("asked", "second"), [(9000, 4096), (4096, 4096), (10, 10)])
async def test_a_fallback_is_asked_for_no_more_than_it_can_write(
    endpoint: Endpoint, dialect: Dialect, name: str, asked: int, second: int
) -> None:
    bench = Bench(two_targets())
    for provider_name in ("one", "two"):
        bench.client.script(provider_name, *[FakeResponse(500, error()) for _ in range(3)])
    body = {"model": "pair", "messages": [{"role": "user", "content": "x"}], name: asked}
    if endpoint == "/v1/responses":
        body["input"] = body.pop("messages")
    await bench.ask(body, endpoint=endpoint, dialect=dialect)
    limits: dict[str, set[int]] = {"one.test": set(), "two.test": set()}
    for request in bench.client.requests:
        fields = msgspec.json.decode(request.body)
        sent = [fields[field] for field in fields if field.startswith("max_")]
        limits[request.origin.host] |= set(sent)
    assert limits == {"one.test": {asked}, "two.test": {second}}


async def test_an_answer_that_would_have_to_be_fetched_later_is_refused() -> None:
    bench = Bench(TABLE)
    asked = {"model": "one/m", "input": "x", "background": True}
    reply = await bench.ask(asked, endpoint="/v1/responses")
    assert (reply.status, reply.error()["code"]) == (400, "unsupported_feature")
    assert "`background`" in reply.error()["message"]
    assert not bench.client.requests
    bench.client.script("one", FakeResponse(200, b'{"output":[]}'))
    reply = await bench.ask({**asked, "background": False}, endpoint="/v1/responses")
    assert reply.status == 200


SIGNED = {"type": "thinking", "thinking": "mine", "signature": "c2ln"}
SEALED = {"type": "redacted_thinking", "data": "c2VhbGVk"}
THEIRS = {"type": "thinking", "thinking": "theirs", "signature": ""}
GEMINIS = {"type": "redacted_thinking", "data": "gemini:c2ln"}
SAID = {"type": "text", "text": 'a "signature":"" in words'}


@pytest.mark.parametrize("endpoint", ["/v1/messages", "/v1/messages/count_tokens"])
def test_anthropic_gets_back_no_thoughts_but_its_own(endpoint: Endpoint) -> None:
    turns = [
        {"role": "user", "content": "theirs"},
        {"role": "assistant", "content": [SIGNED, THEIRS, SEALED, GEMINIS, SAID]},
        {"role": "assistant", "content": [THEIRS]},
        {"role": "user", "content": [SAID], "odd": [THEIRS]},
    ]
    content = msgspec.json.encode({"model": "claude/m", "messages": turns})
    adapter = ADAPTERS[endpoint, "anthropic"]
    outgoing = adapter.outgoing(Body(endpoint, content), {}, TABLE.models["claude/m"], None)
    assert msgspec.json.decode(outgoing.body)["messages"] == [
        turns[0],
        {"role": "assistant", "content": [SIGNED, SEALED, SAID]},
        turns[3],
    ]


@pytest.mark.parametrize("messages", [b'"gemini:"', b'[1,"gemini:"]', b'[{"content":["gemini:"]}]'])
def test_messages_that_are_none_pass_as_they_are(messages: bytes) -> None:
    body = Body("/v1/messages", b'{"model":"claude/m","messages":' + messages + b"}")
    adapter = ADAPTERS["/v1/messages", "anthropic"]
    assert messages in adapter.outgoing(body, {}, TABLE.models["claude/m"], None).body


KEPT_BACK = {
    b"authorization": b"Bearer mo_1_caller",
    b"x-api-key": b"mo_1_caller",
    b"proxy-authorization": b"Basic caller",
    b"cookie": b"session=caller",
    b"connection": b"keep-alive, x-hop",
    b"keep-alive": b"timeout=5",
    b"te": b"trailers",
    b"trailer": b"x-hop",
    b"transfer-encoding": b"chunked",
    b"upgrade": b"h2c",
    b"x-hop": b"caller",
    b"host": b"caller.test",
    b"content-length": b"999",
    b"accept-encoding": b"zstd",
    b"x-forwarded-for": b"192.0.2.7",
    b"x-modelops-agent": b"caller",
    b"x-modelops-user": b"caller",
}
PASSED = {
    "openai": {b"openai-beta": b"assistants=v2", b"traceparent": b"00-a-b-01"},
    "anthropic": {
        b"anthropic-version": b"2023-01-01",
        b"anthropic-beta": b"one,two",
        b"traceparent": b"00-a-b-01",
        b"tracestate": b"vendor=1",
    },
}
OWN = {"host", "user-agent", "accept-encoding", "content-type"}


@pytest.mark.parametrize(("endpoint", "protocol", "dialect", "reference"), NATIVE)
async def test_only_headers_that_are_meant_for_a_provider_reach_it(
    endpoint: Endpoint, protocol: Protocol, dialect: Dialect, reference: str
) -> None:
    bench = Bench(TABLE)
    name = reference.partition("/")[0]
    for _ in range(5):
        bench.client.script(name, FakeResponse(200, completion()))
    asked = {"model": reference, "messages": [], "input": "x", "max_tokens": 9}
    headers = {**KEPT_BACK, **PASSED[protocol]}
    await bench.ask(asked, endpoint=endpoint, dialect=dialect, headers=headers)
    lines = bench.client.requests[0].headers.decode().split("\r\n")[:-1]
    sent = dict(line.split(": ", 1) for line in lines)
    key = {"openai": "authorization", "anthropic": "x-api-key"}[protocol]
    assert set(sent) == OWN | {key} | {header.decode() for header in PASSED[protocol]}
    assert "caller" not in repr(sent)
    assert sent[key].endswith(f"key-of-provider/{name}")
    for header, value in PASSED[protocol].items():
        assert sent[header.decode()] == value.decode()
