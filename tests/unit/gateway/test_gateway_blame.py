"""Whose fault a refusal is: what one caller asked for is not laid to a key or a model."""

from __future__ import annotations

import pytest
from gateway_doubles import ASK, Bench, FakeReply, FakeResponse, completion, error, two_targets

OK = (200, completion())


def story(reply: FakeReply) -> str:
    return reply.headers["x-modelops-attempts"]


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (404, error("Conversation with id 'conv_1' not found.", code=None)),
        (404, error("Item with id 'rs_1' not found. Items are not persisted.", code=None)),
        (403, error("Your input was flagged", code=403, metadata={"flagged_input": "a fist"})),
        (403, error(code="content_policy_violation")),
    ],
)
async def test_one_callers_fault_cools_nothing_for_others(status: int, body: bytes) -> None:
    bench = Bench(two_targets())
    bench.client.script("one", FakeResponse(status, body), FakeResponse(*OK))
    reply = await bench.ask(ASK)
    assert (reply.status, reply.body) == (status, body)
    assert story(await bench.ask(ASK)) == "one/a=200"


async def test_a_request_too_large_for_a_minute_goes_on_and_cools_nothing() -> None:
    bench = Bench(two_targets())
    large = error(
        "Request too large for a on tokens per min (TPM): Limit 30000, Requested 40000.",
        code="rate_limit_exceeded",
    )
    bench.client.script(
        "one", FakeResponse(429, large), FakeResponse(*OK), FakeResponse(429, large)
    )
    bench.client.script("two", FakeResponse(*OK), FakeResponse(429, large))
    assert story(await bench.ask(ASK)) == "one/a=429, two/b=200"
    assert story(await bench.ask(ASK)) == "one/a=200"
    assert (await bench.ask(ASK)).status == 429
    assert bench.clock.slept == [], "no wait makes it smaller"
