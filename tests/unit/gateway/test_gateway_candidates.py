"""Which targets of a chain are called, and which are stepped over and named."""

from __future__ import annotations

from gateway_doubles import (
    ASK,
    OK,
    Bench,
    FakeResponse,
    chain,
    error,
    model,
    provider,
    story,
    table,
    two_targets,
)


async def test_a_context_that_is_too_long_goes_only_to_a_larger_target() -> None:
    small, large = model("two/b", context_window=50_000), model("three/c", context_window=900_000)
    bench = Bench(table(
        provider("one"), provider("two"), provider("three"), model("one/a"), small, large,
        chain("pair", "one/a", "two/b", "three/c"),
    ))  # fmt: skip
    bench.client.script("one", FakeResponse(400, error("x", code="context_length_exceeded")))
    bench.client.script("three", FakeResponse(*OK))
    reply = await bench.ask(ASK)
    assert story(reply) == "one/a=400, two/b=cannot-carry, three/c=200"


async def test_a_context_no_target_can_carry_is_the_callers_to_know() -> None:
    bench = Bench(two_targets())
    body = error("prompt is too long: 300000 tokens > 200000 maximum")
    bench.client.script("one", FakeResponse(400, body))
    reply = await bench.ask(ASK)
    assert (reply.status, reply.body) == (400, body)


async def test_a_target_whose_protocol_cannot_serve_this_is_stepped_over_and_named() -> None:
    bench = Bench(table(
        provider("one", protocol="gemini"), provider("two"), model("one/a"), model("two/b"),
        chain("pair", "one/a", "two/b"),
    ))  # fmt: skip
    bench.client.script("two", FakeResponse(200, b'{"object":"response","output":[]}'))
    reply = await bench.ask({"model": "pair", "input": "x"}, endpoint="/v1/responses")
    assert story(reply).startswith("one/a=not-spoken, two/b=200")


async def test_without_a_usable_target_nothing_is_called_and_the_refusal_is_booked() -> None:
    bench = Bench(table(
        provider("one", api_key=""), provider("two", enabled=False), model("one/a"),
        model("two/b"), chain("pair", "one/a", "two/b"),
    ))  # fmt: skip
    reply = await bench.ask(ASK)
    assert reply.status == 502
    assert "one/a: it has no api_key" in reply.error()["message"]
    (row,) = bench.rows
    assert (row.outcome, row.position, row.error_class) == ("refused", -1, "no_usable_target")
    assert bench.client.requests == []


async def test_an_open_breaker_is_stepped_over_until_its_probe() -> None:
    bench = Bench(two_targets(max_attempts=2))
    for _ in range(5):
        bench.client.script("one", FakeResponse(500, error()))
        bench.client.script("two", FakeResponse(*OK))
        await bench.ask(ASK)
    bench.client.script("two", FakeResponse(*OK))
    assert story(await bench.ask(ASK)) == "one/a=open, two/b=200"
    bench.clock.now += 30
    bench.client.script("one", FakeResponse(*OK), FakeResponse(*OK))
    assert story(await bench.ask(ASK)) == "one/a=200"
    assert story(await bench.ask(ASK)) == "one/a=200"


async def test_when_everything_is_open_everything_is_tried() -> None:
    bench = Bench(table(provider("one"), model("one/a"), chain("pair", "one/a", max_attempts=1)))
    for _ in range(6):
        bench.client.script("one", FakeResponse(500, error()))
        assert story(await bench.ask(ASK)) == "one/a=500"
