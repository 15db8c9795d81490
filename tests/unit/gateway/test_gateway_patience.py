"""How long a target is tried and waited for, and what time that leaves to the others."""

from __future__ import annotations

from gateway_doubles import (
    ASK,
    ASK_STREAM,
    DONE,
    HELLO,
    OK,
    ROLE,
    STOP,
    Bench,
    FakeResponse,
    error,
    story,
    two_targets,
)


async def test_a_timeout_is_not_retried_while_another_target_remains() -> None:
    bench = Bench(two_targets())
    bench.client.script("one", FakeResponse(200, delay=1000))
    bench.client.script("two", FakeResponse(200, ROLE, HELLO, STOP, DONE))
    reply = await bench.ask(ASK_STREAM)
    assert story(reply) == "one/a=timeout, two/b=200"
    assert bench.client.bounds[0] == 30
    assert bench.rows[0].usage.source == "none", "what was sent may be billed"
    assert bench.rows[0].cost.estimate_pico


async def test_a_plain_answer_may_take_long_but_leaves_the_others_their_time() -> None:
    bench = Bench(two_targets())
    bench.client.script("one", FakeResponse(200, delay=1000))
    bench.client.script("two", FakeResponse(*OK))
    reply = await bench.ask(ASK)
    assert reply.status == 200
    assert bench.client.bounds == [270, 30]


async def test_a_retry_is_made_only_while_every_other_target_keeps_a_full_try() -> None:
    bench = Bench(two_targets(deadline_ms=60_000))
    bench.client.script("one", FakeResponse(503, error(), delay=0.1))
    bench.client.script("two", FakeResponse(*OK))
    reply = await bench.ask(ASK)
    assert story(reply) == "one/a=503, two/b=200"


async def test_the_attempt_cap_leaves_one_try_for_each_other_target() -> None:
    bench = Bench(two_targets(max_attempts=3))
    bench.client.script("one", FakeResponse(503, error()), FakeResponse(503, error()))
    bench.client.script("two", FakeResponse(503, error()))
    reply = await bench.ask(ASK)
    assert story(reply) == "one/a=503, one/a=503, two/b=503"
    assert reply.status == 502


async def test_rate_limits_everywhere_give_a_429_with_the_shortest_wait() -> None:
    bench = Bench(two_targets())
    bench.client.script("one", FakeResponse(429, error(), headers=[(b"retry-after", b"400")]))
    bench.client.script("two", FakeResponse(429, error(), headers=[(b"retry-after", b"350")]))
    reply = await bench.ask(ASK)
    assert reply.status == 429
    assert reply.headers["retry-after"] == "350"
    assert bench.clock.slept == [], "neither wait fits into the deadline"


async def test_the_last_target_waits_as_long_as_it_is_asked_to() -> None:
    bench = Bench(two_targets())
    bench.client.script("one", FakeResponse(500, error()), FakeResponse(500, error()),
                        FakeResponse(500, error()))  # fmt: skip
    bench.client.script(
        "two", FakeResponse(429, error(), headers=[(b"retry-after-ms", b"1500")]), FakeResponse(*OK)
    )
    reply = await bench.ask(ASK)
    assert reply.status == 200
    assert bench.clock.slept[-1] == 1.5


async def test_a_deadline_that_runs_out_is_a_504() -> None:
    bench = Bench(two_targets(deadline_ms=40_000))
    bench.client.script("one", FakeResponse(200, delay=1000))
    bench.client.script("two", FakeResponse(200, delay=1000))
    reply = await bench.ask(ASK_STREAM)
    assert reply.status == 504
    assert bench.client.bounds == [30, 10]


async def test_a_target_that_would_have_a_moment_left_is_not_called() -> None:
    bench = Bench(two_targets(deadline_ms=30_010))
    bench.client.script("one", FakeResponse(200, delay=1000))
    reply = await bench.ask(ASK_STREAM)
    assert (reply.status, story(reply)) == (504, "one/a=timeout")
