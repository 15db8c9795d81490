"""What a row of the books says of a call whose end is not the usual one."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import msgspec
import pytest
from gateway_doubles import (
    ASK,
    ASK_STREAM,
    DONE,
    HELLO,
    STOP,
    Bench,
    FakeReply,
    FakeResponse,
    agent,
    chain,
    chunk,
    model,
    provider,
    table,
    two_targets,
)

from modelops.gateway.attempt_recorder import AttemptRecorder
from modelops.gateway.body import Body
from modelops.gateway.call import Call
from modelops.gateway.candidates import Candidate
from modelops.gateway.context import Context
from modelops.gateway.failure import Failure
from modelops.gateway.routes import RouteCache
from modelops.gateway.upstream.errors import TruncatedError
from modelops.metering.attempt import NO_USAGE

USED = {"prompt_tokens": 10, "completion_tokens": 5}
COST = 10 * 1_000_000 + 5 * 2_000_000
STATED = {"prompt_tokens": 10, "cost": 0.25}
STATED_COST = 250_000_000_000


@pytest.mark.parametrize(
    ("body", "cost"),
    [
        ({"choices": None, "usage": USED}, COST),
        ({"choices": [{"error": {"message": "sorry"}}], "usage": USED}, COST),
        ({"error": {"message": "sorry"}, "usage": USED}, COST),
        ({"choices": None, "usage": STATED}, STATED_COST),
        ({"error": {"message": "sorry"}, "usage": STATED}, STATED_COST),
        ({"error": {"message": "sorry"}, "usage": None}, 0),
        ({"error": {"message": "sorry"}, "usage": {"prompt_tokens": -1}}, 0),
        ({"choices": None, "usage": {"prompt_tokens": -1}}, None),
        ({"choices": None}, None),
    ],
)
@pytest.mark.parametrize("asked", [ASK, ASK_STREAM])
async def test_an_answer_of_no_use_costs_what_it_reports(
    asked: dict[str, Any], body: dict[str, Any], cost: int | None
) -> None:
    bench = Bench(two_targets(max_attempts=1))
    bench.client.script("one", FakeResponse(200, msgspec.json.encode(body)))
    assert (await bench.ask(asked)).status == 502
    (row,) = bench.rows
    assert (row.outcome, row.cost.total_pico) == ("failed", cost)
    assert row.usage.output_tokens == {COST: 5, STATED_COST: None, 0: 0, None: None}[cost]
    assert (row.cost.estimate_pico is not None) == (cost is None)


@pytest.mark.parametrize(
    ("usage", "known"),
    [
        (STATED, True),
        ({**USED, "cost": 0.25}, True),
        (USED, False),
        ({"prompt_tokens": -1, "cost": 0.25}, False),
    ],
)
async def test_a_cost_that_the_provider_states_stands_in_a_part_of_a_report(
    usage: dict[str, Any], known: bool
) -> None:
    bench = Bench(two_targets())
    broken = HELLO + chunk({}, usage=usage)  # without an end
    bench.client.script("one", FakeResponse(200, broken))
    await bench.ask(ASK_STREAM)
    (row,) = bench.rows
    assert row.usage.source in ("partial", "invalid")
    assert row.cost.total_pico == (STATED_COST if known else None)
    assert (row.cost.estimate_pico is None) == known


@pytest.mark.parametrize(
    ("asked", "answer", "said"),
    [
        (ASK, b'{"choices":[]}', len(b'{"choices":[]}')),
        (ASK_STREAM, HELLO + STOP + DONE, len("Hello")),
    ],
)
async def test_an_answer_without_a_report_has_an_estimate(
    asked: dict[str, Any], answer: bytes, said: int
) -> None:
    bench = Bench(two_targets())
    bench.client.script("one", FakeResponse(200, answer))
    await bench.ask(asked)
    (row,) = bench.rows
    assert (row.outcome, row.usage, row.cost.total_pico) == ("success", NO_USAGE, None)
    sent = len(msgspec.json.encode(asked))
    assert row.cost.estimate_pico == -(-sent // 4) * 1_000_000 + -(-said // 4) * 2_000_000


async def test_a_stream_that_fails_before_it_flows_keeps_its_last_words() -> None:
    end = chunk({}, "length", service_tier="flex")
    broken = msgspec.json.encode({"error": {"message": "sorry"}, "usage": USED})
    bench = Bench(two_targets(max_attempts=1))
    bench.client.script("one", FakeResponse(200, end + b"data: " + broken + b"\n\n"))
    await bench.ask(ASK_STREAM)
    (row,) = bench.rows
    assert (row.usage.output_tokens, row.finish_reason, row.service_tier) == (5, "length", "flex")


async def test_embeddings_of_no_use_cost_their_input() -> None:
    bench = Bench(table(provider("one"), model("one/e", type="embedding")))
    used = {"data": None, "usage": {"prompt_tokens": 7}}
    bench.client.script("one", *[FakeResponse(200, msgspec.json.encode(used))] * 3)
    await bench.ask({"model": "one/e", "input": "a"}, endpoint="/v1/embeddings")
    assert bench.rows[0].cost.total_pico == 7_000_000


async def test_an_error_with_a_bad_status_used_nothing() -> None:
    body = {"error": {"message": "sorry"}, "usage": USED}
    bench = Bench(two_targets(max_attempts=1))
    bench.client.script("one", FakeResponse(500, msgspec.json.encode(body)))
    await bench.ask(ASK)
    assert bench.rows[0].cost.total_pico == 0


async def test_a_responses_stream_that_is_cut_has_the_tier_it_began_with() -> None:
    created = b'data: {"type":"response.created","response":{"service_tier":"flex"}}\n\n'
    delta = b'data: {"type":"response.output_text.delta","delta":"Hi"}\n\n'
    bench = Bench(table(provider("one"), model("one/a")))
    bench.client.script("one", FakeResponse(200, created, delta, TruncatedError("cut")))
    await bench.ask({"model": "one/a", "input": "x", "stream": True}, endpoint="/v1/responses")
    (row,) = bench.rows
    assert (row.outcome, row.service_tier) == ("failed", "flex")


@pytest.mark.parametrize(
    ("body", "user", "code"),
    [
        (b'{"model":"pear","user":"ada"}', "ada", "model_not_found"),
        (b'{"model":"two/b","user":"ada"}', "ada", "model_not_allowed"),
        (b'{"model":"off/c","user":"ada"}', "ada", "no_usable_target"),
        (b'{"model":7,"metadata":{"user_id":"ada"}}', "ada", "invalid_body"),
        (b'{"model":', "", "invalid_body"),
    ],
)
@pytest.mark.parametrize("header", [{}, {b"x-modelops-user": b"bob", b"x-request-id": b"r1"}])
async def test_a_refused_request_is_booked_with_its_user_and_its_own_id(
    body: bytes, user: str, code: str, header: dict[bytes, bytes]
) -> None:
    declared = [provider("one"), provider("two"), provider("off", enabled=False)]
    models = [model("one/a"), model("two/b"), model("off/c")]
    caller = agent("dev", chain="pair", allow=("model/one/*", "model/off/*"))
    bench = Bench(table(*declared, *models, chain("pair", "one/a"), caller))
    await bench.ask(body, agent="dev", headers=header)
    (row,) = bench.rows
    assert (row.outcome, row.error_class) == ("refused", code)
    assert row.user == ("bob" if header else user)
    assert row.client_request_id == ("r1" if header else "")


@pytest.mark.parametrize(
    ("first", "second"),
    list(permutations(["succeeded", "failed", "failed_mid_stream", "aborted"], 2)),
)
def test_a_call_has_one_end_however_often_it_is_ended(first: str, second: str) -> None:
    bench = Bench(two_targets())
    services, table = bench.gateway.services, bench.gateway.table
    sent = msgspec.json.encode(ASK)
    call = Call(
        endpoint="/v1/chat/completions", dialect="openai", body=sent, headers={}, agent="",
        request_id="r1", received_at_us=0,
    )  # fmt: skip
    body = Body(call.endpoint, sent)
    route = RouteCache(table).find(body, "", "")
    context = Context(services, table, call, body, route, FakeReply(bench.rows))
    target = route.targets[0]
    assert isinstance(target, Candidate)
    attempt = AttemptRecorder(context, target.step, target.position, target.credential)
    failure = Failure(kind="credential", message="no such key", label="401")
    end = {"succeeded": (), "aborted": ("cancelled",)}
    getattr(attempt, first)(*end.get(first, (failure,)))
    booked, pending, trail = list(bench.rows), context.pending, list(context.trail)
    cooling = services.health.cooling(target.step.target, target.credential, call.endpoint, 1000.0)
    assert len(booked) + (pending is not None) == 1
    getattr(attempt, second)(*end.get(second, (failure,)))
    assert (bench.rows, context.pending, context.trail) == (booked, pending, trail)
    assert cooling == services.health.cooling(
        target.step.target, target.credential, call.endpoint, 1000.0
    )
