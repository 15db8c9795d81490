"""Whose fault a refusal is: what one caller asked for is not laid to a key or a model."""

from __future__ import annotations

import pytest
from gateway_doubles import (
    ASK,
    OK,
    Bench,
    FakeResponse,
    chain,
    error,
    model,
    provider,
    settings,
    story,
    table,
    two_targets,
)


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
    reply = await bench.ask(ASK)
    assert reply.status == 429
    assert "retry-after" not in reply.headers
    assert bench.clock.slept == [], "no wait makes it smaller"


REFUSED = error("Unsupported value: 'temperature'", code="unsupported_value", param="temperature")


async def test_what_a_fallback_target_does_not_take_is_asked_of_the_next() -> None:
    bench = Bench(table(
        provider("one"), provider("two"), provider("three"),
        model("one/a"), model("two/b"), model("three/c"),
        chain("pair", "one/a", "two/b", "three/c"), settings("pair"),
    ))  # fmt: skip
    bench.client.script("one", *[FakeResponse(401, error())] * 2)
    bench.client.script("two", FakeResponse(400, REFUSED), FakeResponse(*OK))
    bench.client.script("three", FakeResponse(*OK))
    assert story(await bench.ask(ASK)) == "one/a=401, two/b=400, three/c=200"
    assert [row.error_class for row in bench.rows] == ["credential", "parameter", ""]
    assert story(await bench.ask(ASK)) == "one/a=cooling, two/b=200", "it is not held against it"


@pytest.mark.parametrize(
    ("message", "goes_on"),
    [
        ("adaptive thinking is not supported on this model", True),
        ('"thinking.type.enabled" is not supported for this model. Use another.', True),
        ("`temperature` is deprecated for this model.", True),
        ("role 'system' is not supported on this model", True),
        ("`reasoning_effort` is not supported with this model", True),
        ("This model does not support the effort parameter.", True),
        ("This model does not support effort level 'xhigh'.", True),
        ("This model does not support assistant message prefill. It must end with a user.", True),
        ("The requested model is not supported for this model group", False),
        ("messages: text content blocks must be non-empty", False),
    ],
)
async def test_what_only_other_generations_take_is_asked_of_the_next(
    message: str, *, goes_on: bool
) -> None:
    bench = Bench(table(
        provider("one"), provider("two"), provider("three"),
        model("one/a"), model("two/b"), model("three/c"),
        chain("pair", "one/a", "two/b", "three/c"), settings("pair"),
    ))  # fmt: skip
    refused = FakeResponse(400, error(message, type="invalid_request_error"))
    bench.client.script("one", FakeResponse(401, error()))
    bench.client.script("two", refused)
    bench.client.script("three", FakeResponse(*OK))
    assert (await bench.ask(ASK)).status == (200 if goes_on else 400)


async def test_an_id_that_a_fallback_target_does_not_know_is_asked_of_the_next() -> None:
    bench = Bench(table(
        provider("one"), provider("two"), provider("three"),
        model("one/a"), model("two/b"), model("three/c"),
        chain("pair", "one/a", "two/b", "three/c"), settings("pair"),
    ))  # fmt: skip
    bench.client.script("one", FakeResponse(401, error()))
    bench.client.script("two", FakeResponse(404, error("Item with id 'rs_1' not found.")))
    bench.client.script("three", FakeResponse(*OK))
    assert story(await bench.ask(ASK)) == "one/a=401, two/b=404, three/c=200"


async def test_the_last_of_such_refusals_is_returned() -> None:
    bench = Bench(two_targets())
    bench.client.script("one", FakeResponse(401, error()))
    bench.client.script("two", FakeResponse(400, REFUSED))
    reply = await bench.ask(ASK)
    assert (reply.status, reply.body) == (400, REFUSED)


async def test_what_the_first_target_does_not_take_is_the_callers_to_know() -> None:
    bench = Bench(two_targets())
    bench.client.script("one", FakeResponse(400, REFUSED))
    reply = await bench.ask(ASK)
    assert (reply.status, reply.body) == (400, REFUSED)
    assert story(reply) == "one/a=400"


async def test_what_another_provider_sealed_is_asked_of_the_one_that_can_open_it() -> None:
    sealed = error("The encrypted content could not be verified.", code="invalid_encrypted_content")
    bench = Bench(two_targets())
    bench.client.script("one", FakeResponse(400, sealed), FakeResponse(400, sealed))
    bench.client.script("two", FakeResponse(*OK), FakeResponse(400, sealed))
    assert story(await bench.ask(ASK)) == "one/a=400, two/b=200"
    reply = await bench.ask(ASK)
    assert story(reply) == "one/a=400, two/b=400", "neither is left alone"
    assert (reply.status, reply.body) == (400, sealed)
