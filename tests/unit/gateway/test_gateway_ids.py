"""The id of an answer, where the callers' SDKs look for it."""

from __future__ import annotations

import pytest
from gateway_doubles import ASK, Bench, FakeResponse, completion, error, two_targets

from modelops.gateway.call import Dialect, Endpoint

ID = "0" * 31 + "1"
CALLERS: list[tuple[Endpoint, Dialect, str]] = [
    ("/v1/chat/completions", "openai", "x-request-id"),
    ("/v1/messages", "anthropic", "request-id"),
]


@pytest.mark.parametrize(("endpoint", "dialect", "header"), CALLERS)
async def test_answers_and_errors_have_an_id(
    endpoint: Endpoint, dialect: Dialect, header: str
) -> None:
    bench = Bench(two_targets(max_attempts=2))
    faulty, gone = FakeResponse(400, error()), FakeResponse(401, error())
    bench.client.script("one", FakeResponse(200, completion()), faulty, gone)
    bench.client.script("two", FakeResponse(500, error()))
    asked = [{**ASK, "max_tokens": 9}] * 3 + [{"model": "nothing"}]
    replies = [await bench.ask(body, endpoint=endpoint, dialect=dialect) for body in asked]
    assert [reply.status for reply in replies] == [200, 400, 502, 404]
    assert [reply.headers[header] for reply in replies] == [ID] * 4
    assert {row.request_id for row in bench.rows} == {ID}


async def test_a_providers_own_id_is_shown_where_the_caller_looks_for_it() -> None:
    bench = Bench(two_targets())
    for name in (b"x-request-id", b"request-id"):
        bench.client.script("one", FakeResponse(200, completion(), headers=[(name, b"req_1")]))
    first, second = await bench.ask(ASK), await bench.ask(ASK)
    assert first.headers["x-request-id"] == "req_1"
    assert (second.headers["x-request-id"], second.headers["request-id"]) == (ID, "req_1")
