"""The failover loop, by an injected clock and random source."""

from __future__ import annotations

import asyncio

import msgspec
import pytest
from gateway_doubles import (
    ASK,
    OK,
    Bench,
    FakeResponse,
    agent,
    chain,
    completion,
    error,
    model,
    provider,
    settings,
    story,
    table,
    two_targets,
)

from modelops.gateway.errors import DO_NOT_RETRY, GatewayError
from modelops.gateway.upstream.errors import (
    ConnectError,
    DnsError,
    MalformedError,
    ResetError,
    TlsError,
    TruncatedError,
)
from modelops.metering.attempt import NO_USAGE, NOTHING_USED
from modelops.metering.cost import BYTES_PER_TOKEN
from modelops.resources import resolved


async def test_a_wall_clock_that_is_set_back_changes_no_duration() -> None:
    bench = Bench(two_targets())
    set_back = bench.clock.epoch_us - 3_600_000_000

    class SetBack(FakeResponse):
        async def read(self, wait: float) -> bytes:
            bench.clock.epoch_us = set_back
            return await super().read(wait)

    bench.client.script("one", SetBack(401, error(), delay=2.0))
    bench.client.script("two", FakeResponse(*OK, delay=3.0))
    assert (await bench.ask(ASK)).status == 200
    first, second = bench.rows
    assert (first.latency_us, second.latency_us) == (2_000_000, 3_000_000)
    assert second.started_at_us == first.started_at_us + 2_000_000 - 3_600_000_000
    assert (first.final, second.final) == (False, True)
    assert second.request_id == first.request_id


async def test_a_plain_answer_passes_byte_for_byte_and_is_booked() -> None:
    bench = Bench(two_targets())
    bench.client.script("one", FakeResponse(200, completion("first")))
    reply = await bench.ask(ASK)
    assert (reply.status, reply.body) == (200, completion("first"))
    assert story(reply) == "one/a=200"
    assert "x-modelops-fallback" not in reply.headers
    assert reply.headers["x-modelops-target"] == "one/a"
    assert reply.headers["x-modelops-revision"] == "3"
    (row,) = bench.rows
    assert (row.outcome, row.final, row.position, row.number) == ("success", True, 0, 0)
    assert (row.usage.input_tokens, row.usage.output_tokens) == (10, 5)
    assert row.cost.total_pico == 10 * 1_000_000 + 5 * 2_000_000
    assert reply.rows_at == [1], "the row is written before the answer goes"


async def test_transient_failures_are_retried_then_the_next_target_answers() -> None:
    bench = Bench(two_targets())
    busy = [FakeResponse(529, error("busy")) for _ in range(3)]
    bench.client.script("one", *busy)
    bench.client.script("two", FakeResponse(*OK))
    reply = await bench.ask(ASK)
    assert reply.status == 200
    assert story(reply) == "one/a=529, one/a=529, one/a=529, two/b=200"
    assert reply.headers["x-modelops-fallback"] == "true"
    first, second = bench.clock.slept
    assert 0.4 <= first <= 0.6
    assert 0.8 <= second <= 1.2
    assert [(row.outcome, row.final) for row in bench.rows] == [
        ("failed", False), ("failed", False), ("failed", False), ("success", True)
    ]  # fmt: skip
    assert [row.number for row in bench.rows] == [0, 1, 2, 3]
    assert bench.rows[0].cost.total_pico == 0, "an error answer used nothing"
    assert all(response.closed for response in busy)


@pytest.mark.parametrize(
    "answer",
    [
        FakeResponse(200, completion().replace(b'"usage":{', b'"usage":{"cost":NaN,')),
        FakeResponse(200, b'{"id":"c1"}'),
        FakeResponse(200, b'{"choices":[', MalformedError("no chunk")),
        FakeResponse(200),
    ],
)
async def test_a_good_answer_of_no_use_may_be_billed(answer: FakeResponse) -> None:
    bench = Bench(two_targets(max_attempts=2))
    bench.client.script("one", answer)
    bench.client.script("two", FakeResponse(*OK))
    await bench.ask(ASK)
    row = bench.rows[0]
    assert (row.outcome, row.status, row.error_class) == ("failed", 200, "invalid_answer")
    assert row.usage == NO_USAGE
    asked_tokens = -(-len(msgspec.json.encode(ASK)) // BYTES_PER_TOKEN)
    assert (row.cost.total_pico, row.cost.estimate_pico) == (None, asked_tokens * 1_000_000)


async def test_an_error_in_a_good_answer_used_nothing() -> None:
    bench = Bench(two_targets(max_attempts=2))
    bench.client.script("one", FakeResponse(200, error("no")))
    bench.client.script("two", FakeResponse(*OK))
    await bench.ask(ASK)
    assert (bench.rows[0].usage, bench.rows[0].cost.total_pico) == (NOTHING_USED, 0)


@pytest.mark.parametrize(
    ("failure", "label"),
    [
        (ConnectError("refused"), "connect"),
        (DnsError("no such name"), "dns"),
        (TlsError("bad certificate"), "tls"),
        (ResetError("ended"), "reset"),
        (MalformedError("not HTTP"), "malformed"),
        (FakeResponse(200, b'{"cut', TruncatedError("cut")), "cut"),
        (FakeResponse(200, b'{"choices": [1'), "error"),
        (FakeResponse(200, b"<html>hello</html>"), "error"),
        (FakeResponse(200, b'{"choices":[],"id":"\xff"}'), "error"),
        (FakeResponse(200, b""), "error"),
        (FakeResponse(200, error("no", code=502)), "502"),
        (FakeResponse(307, b"", headers=[(b"location", b"http://evil.test/")]), "307"),
        (FakeResponse(503, b"<html>cloud</html>"), "503"),
        (FakeResponse(503, b'{"error":"\xff"}'), "503"),
    ],
)
async def test_whatever_breaks_a_plain_call_is_made_good(failure: object, label: str) -> None:
    bench = Bench(table(
        provider("one"), provider("two"), model("one/a"), model("two/b"),
        chain("pair", "one/a", "two/b", max_attempts=2),
    ))  # fmt: skip
    bench.client.script("one", failure)  # type: ignore[arg-type]
    bench.client.script("two", FakeResponse(*OK))
    reply = await bench.ask(ASK)
    assert reply.status == 200
    assert story(reply) == f"one/a={label}, two/b=200"


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (429, error("slow down", code="rate_limit_exceeded"), "rate_limit"),
        (429, error("pay", type="insufficient_quota"), "quota"),
        (401, error("bad key", code="invalid_api_key"), "credential"),
        (402, error("pay"), "quota"),
        (403, error("no"), "credential"),
        (404, error("gone", code="model_not_found"), "model_gone"),
    ],
)
async def test_the_next_target_is_called_at_once(status: int, body: bytes, kind: str) -> None:
    bench = Bench(two_targets())
    bench.client.script("one", FakeResponse(status, body))
    bench.client.script("two", FakeResponse(*OK), FakeResponse(*OK))
    reply = await bench.ask(ASK)
    assert story(reply) == f"one/a={status}, two/b=200"
    assert bench.clock.slept == []
    assert bench.rows[0].error_class == kind
    again = await bench.ask(ASK)
    assert story(again) == "one/a=cooling, two/b=200"
    assert bench.rows[-1].position == 1


async def test_the_callers_fault_is_returned_as_it_is() -> None:
    bench = Bench(two_targets())
    body = error("temperature: 7 is too hot", type="invalid_request_error", param="temperature")
    bench.client.script("one", FakeResponse(400, body))
    reply = await bench.ask(ASK)
    assert (reply.status, reply.body) == (400, body)
    assert reply.headers["x-should-retry"] == "false"
    (row,) = bench.rows
    assert (row.outcome, row.error_class, row.final) == ("failed", "caller", True)
    assert bench.gateway.services.health.breaker(bench.gateway.table.models["one/a"]).allows(
        bench.clock.now
    )


async def test_an_exhausted_chain_says_what_happened_and_ends_sdk_retries() -> None:
    bench = Bench(two_targets(max_attempts=2))
    bench.client.script("one", FakeResponse(401, error("wrong key sk-abcdefgh12345678")))
    bench.client.script("two", FakeResponse(500, error("boom")))
    reply = await bench.ask(ASK)
    assert reply.status == 502
    assert reply.headers["x-should-retry"] == "false"
    assert "one/a: credential, wrong key [redacted]" in reply.error()["message"]
    assert "two/b: transient, boom" in reply.error()["message"]
    assert b"sk-abc" not in reply.body
    assert [row.final for row in bench.rows] == [False, True]


async def test_the_agents_own_credential_and_parameters_are_used() -> None:
    own = agent(
        "dev",
        chain="pair",
        credentials=(resolved.Credential(provider="one", api_key="sealed"),),
        parameters=resolved.Parameters(max_tokens=9000, temperature=None, top_p=None),
    )
    bench = Bench(table(provider("one"), model("one/a"), chain("pair", "one/a"), own))
    bench.client.script("one", FakeResponse(*OK))
    reply = await bench.ask({"messages": []}, agent="dev")
    assert reply.status == 200
    (request,) = bench.client.requests
    assert b"authorization: Bearer key-of-agent/dev\r\n" in request.headers
    assert b'"max_tokens":4096' in request.body
    assert "key-of" not in repr(request)


async def test_a_call_cancelled_between_two_tries_keeps_its_last_row_final() -> None:
    bench = Bench(two_targets())
    bench.client.script("one", FakeResponse(503, error()))

    async def forever(seconds: float) -> None:
        raise asyncio.CancelledError

    bench.clock.sleep = forever  # type: ignore[method-assign]
    with pytest.raises(asyncio.CancelledError):
        await bench.ask(ASK)
    (row,) = bench.rows
    assert (row.outcome, row.final) == ("failed", True)


async def test_a_request_keeps_the_table_it_began_with() -> None:
    bench = Bench(two_targets())

    class Swapping(FakeResponse):
        async def read(self, wait: float) -> bytes:
            bench.gateway.table = table(settings())
            return await super().read(wait)

    bench.client.script("one", Swapping(503, error()), FakeResponse(*OK))
    reply = await bench.ask(ASK)
    assert reply.headers["x-modelops-revision"] == "3"
    assert reply.status == 200


async def test_refusals_are_answered_in_the_callers_dialect() -> None:
    bench = Bench(two_targets())
    reply = await bench.ask({"model": "pear"}, endpoint="/v1/messages", dialect="anthropic")
    assert reply.status == 404
    assert reply.error()["type"] == "not_found_error"
    assert "pair" in reply.error()["message"]
    (row,) = bench.rows
    assert (row.outcome, row.error_class, row.usage.input_tokens) == (
        "refused",
        "model_not_found",
        0,
    )


async def test_where_metering_is_required_nothing_is_called_without_room_in_the_books() -> None:
    required = msgspec.structs.replace(settings("pair"), metering="required")
    declared = (provider("one"), model("one/a"), chain("pair", "one/a"))
    for changes, full in (((), True), ((required,), False)):
        bench = Bench(table(*declared, *changes))
        bench.recorder.full = full
        bench.client.script("one", FakeResponse(*OK))
        assert ((await bench.ask(ASK)).status, len(bench.rows)) == (200, 1)
    bench = Bench(table(*declared, required))
    bench.recorder.full = True
    with pytest.raises(GatewayError) as refused:
        await bench.ask(ASK)
    assert (bench.client.requests, bench.rows) == ([], [])
    assert (refused.value.status, refused.value.code) == (503, "books_full")
    assert refused.value.headers == (DO_NOT_RETRY,)
