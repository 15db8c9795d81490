"""Places at a provider, and who waits for them."""

from __future__ import annotations

import asyncio

import pytest
from gateway_doubles import (
    ASK,
    Bench,
    FakeResponse,
    chain,
    completion,
    model,
    provider,
    settings,
    table,
)

from modelops.gateway.slots import Slots


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


def test_workers_share_a_limit() -> None:
    bench = Bench(table(settings()))
    assert [bench.gateway.services.share(limit) for limit in (0, 1, 64)] == [0, 1, 64]
