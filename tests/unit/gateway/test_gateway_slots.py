"""Places at a provider, and who waits for them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from gateway_doubles import (
    ASK,
    ASK_STREAM,
    Bench,
    FakeResponse,
    chain,
    completion,
    error,
    model,
    provider,
    settings,
    table,
)

from modelops.gateway.health import Block, Health
from modelops.gateway.slots import Slots
from modelops.resources.resolved import Target


async def test_whoever_waits_longest_is_served_first() -> None:
    slots = Slots()
    assert await slots.acquire("one", 1, 0)
    assert not await slots.acquire("one", 1, 0)
    first = asyncio.create_task(slots.acquire("one", 1, 60))
    second = asyncio.create_task(slots.acquire("one", 1, 60))
    await asyncio.sleep(0)
    slots.release("one")
    assert await first
    assert not second.done()
    assert await slots.acquire("two", 1, 0), "every provider has its own"
    slots.release("one")
    assert await second
    slots.release("one")
    assert slots.used("one") == 0


async def test_waiting_ends_without_a_place() -> None:
    slots = Slots()
    await slots.acquire("one", 1, 0)
    assert not await slots.acquire("one", 1, 0.001)
    waiting = asyncio.create_task(slots.acquire("one", 1, 60))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    slots.release("one")
    assert slots.used("one") == 0


async def test_a_place_given_to_a_request_that_is_cancelled_is_given_back() -> None:
    slots = Slots()
    await slots.acquire("one", 1, 0)
    waiting = asyncio.create_task(slots.acquire("one", 1, 60))
    await asyncio.sleep(0)
    slots.release("one")
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    if not waiting.cancelled():
        slots.release("one")
    assert slots.used("one") == 0


async def test_the_newest_limit_holds_for_those_who_wait_too() -> None:
    slots = Slots()
    for _ in range(3):
        assert await slots.acquire("one", 3, 0)
    waiting = [asyncio.create_task(slots.acquire("one", 3, 60)) for _ in range(4)]
    await asyncio.sleep(0)
    assert not await slots.acquire("one", 1, 0)
    for used in (2, 1, 1):
        slots.release("one")
        assert slots.used("one") == used
    assert await slots.acquire("one", 5, 0), "there is room for those who wait and one more"
    assert slots.used("one") == 5
    assert await asyncio.gather(*waiting) == [True] * 4


class Slow(FakeResponse):
    """A response that comes when it is let."""

    def __init__(self) -> None:
        super().__init__(200, completion())
        self.go = asyncio.Event()

    async def read(self, wait: float) -> bytes:
        await self.go.wait()
        return await super().read(wait)


async def test_a_provider_at_its_limit_is_stepped_over() -> None:
    bench = Bench(table(
        provider("one", max_concurrent_requests=1), provider("two"), model("one/a"),
        model("two/b"), chain("pair", "one/a", "two/b"), settings(),
    ))  # fmt: skip
    slow = Slow()
    bench.client.script("one", slow)
    bench.client.script("two", FakeResponse(200, completion()))
    first = asyncio.create_task(bench.ask(ASK))
    await asyncio.sleep(0)
    second = await bench.ask(ASK)
    assert second.headers["x-modelops-attempts"] == "one/a=busy, two/b=200"
    slow.go.set()
    assert (await first).status == 200
    assert bench.gateway.services.slots.used("one") == 0


async def test_without_another_target_a_request_waits_its_turn_or_is_told() -> None:
    one = table(
        provider("one", max_concurrent_requests=1), model("one/a"),
        chain("pair", "one/a"),
        chain("hasty", "one/a", deadline_ms=1),
    )  # fmt: skip
    bench = Bench(one)
    slow = Slow()
    bench.client.script("one", slow, FakeResponse(200, completion()))
    first = asyncio.create_task(bench.ask(ASK))
    await asyncio.sleep(0)
    refused = await bench.ask({**ASK, "model": "hasty"})
    assert (refused.status, refused.error()["code"]) == (429, "at_capacity")
    second = asyncio.create_task(bench.ask(ASK))
    await asyncio.sleep(0)
    slow.go.set()
    assert [(await task).status for task in (first, second)] == [200, 200]


@pytest.mark.parametrize("limit", [0, 1])
async def test_a_place_that_is_free_costs_no_second_look(
    monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    bench = Bench(table(
        provider("one", max_concurrent_requests=limit), model("one/a"), chain("pair", "one/a"),
    ))  # fmt: skip
    bench.client.script("one", FakeResponse(200, completion()))
    looks: list[str] = []
    blocked = Health.blocked

    def look(self: Health, *about: Any) -> Block:
        looks.append("look")
        return blocked(self, *about)

    monkeypatch.setattr(Health, "blocked", look)
    assert (await bench.ask(ASK)).status == 200
    assert looks == ["look"]


def test_workers_share_a_limit() -> None:
    bench = Bench(table(settings()))
    assert [bench.gateway.services.share(limit) for limit in (0, 1, 64)] == [0, 1, 64]


class Waits(Slots):
    """Gives a place after some seconds of the bench's clock; keeps how long each may wait."""

    def __init__(self, bench: Bench, *seconds: float) -> None:
        super().__init__()
        self.patience: list[float] = []
        self.meanwhile: Callable[[], None] = lambda: None
        self._clock = bench.clock
        self._seconds = list(seconds)

    def take(self, provider: str, limit: int) -> bool:
        return False

    async def acquire(self, provider: str, limit: int, wait: float) -> bool:
        self.patience.append(wait)
        self._clock.now += self._seconds.pop(0)
        self.meanwhile()
        return super().take(provider, limit)


def waiting_bench(*seconds: float, timeout_ms: int, deadline_ms: int) -> tuple[Bench, Waits]:
    """Return the bench of a chain of one target whose provider has a place after `seconds`."""
    step = Target(
        model="one/a", max_retries=0, timeout_ms=timeout_ms, answer_timeout_ms=deadline_ms
    )
    bench = Bench(table(
        provider("one", max_concurrent_requests=1), model("one/a"), settings("pair"),
        chain("pair", targets=(step,), deadline_ms=deadline_ms),
    ))  # fmt: skip
    waits = bench.gateway.services.slots = Waits(bench, *seconds)
    return bench, waits


@pytest.mark.parametrize(
    ("timeout_ms", "deadline_ms", "seconds"), [(4_000, 10_000, 6.0), (60_000, 10_000, 5.0)]
)
async def test_whoever_waits_for_the_last_target_has_time_left_to_call_it(
    timeout_ms: int, deadline_ms: int, seconds: float
) -> None:
    bench, waits = waiting_bench(0, timeout_ms=timeout_ms, deadline_ms=deadline_ms)
    bench.client.script("one", FakeResponse(200, completion()))
    assert (await bench.ask(ASK)).status == 200
    assert waits.patience == [seconds]


@pytest.mark.parametrize("seconds", [10, 9.96])
async def test_a_place_that_comes_after_or_just_before_the_deadline_is_of_no_use(
    seconds: float,
) -> None:
    bench, _ = waiting_bench(seconds, timeout_ms=4_000, deadline_ms=10_000)
    refused = await bench.ask(ASK)
    assert (refused.status, refused.error()["code"]) == (429, "at_capacity")
    assert bench.client.requests == []


@pytest.mark.parametrize(("waited", "error_class"), [(7, "deadline"), (0, "timeout")])
@pytest.mark.parametrize("ask", [ASK, ASK_STREAM])
@pytest.mark.parametrize("timeout_ms", [8_000, 60_000])  # the latter is more than any could have
async def test_a_target_is_not_blamed_for_a_try_that_the_deadline_cut_short(
    ask: dict[str, Any], timeout_ms: int, waited: float, error_class: str
) -> None:
    bench, _ = waiting_bench(*[waited] * 6, timeout_ms=timeout_ms, deadline_ms=10_000)
    bench.client.script("one", *[FakeResponse(200, delay=100) for _ in range(6)])
    for _ in range(6):
        assert (await bench.ask(ask)).status in (502, 504)
    assert {row.error_class for row in bench.rows} == {error_class}
    breaker = bench.gateway.services.health.breaker(bench.gateway.table.models["one/a"])
    assert breaker.allows(bench.clock.now) == (error_class == "deadline")


async def test_what_is_open_when_its_provider_has_a_place_is_stepped_over() -> None:
    bench = Bench(table(
        provider("one"), provider("two", max_concurrent_requests=1), model("one/a"),
        model("two/b"), chain("pair", "one/a", "two/b"), settings("pair"),
    ))  # fmt: skip
    waits = bench.gateway.services.slots = Waits(bench, 1)
    breaker = bench.gateway.services.health.breaker(bench.gateway.table.models["two/b"])

    def fail() -> None:
        for _ in range(5):
            breaker.failure(bench.clock.now, bench.clock.now)

    waits.meanwhile = fail
    bench.client.script("one", FakeResponse(500, error(), headers=[(b"x-should-retry", b"false")]))
    reply = await bench.ask(ASK)
    assert reply.headers["x-modelops-attempts"] == "one/a=500, two/b=open"
    assert waits.used("two") == 0
