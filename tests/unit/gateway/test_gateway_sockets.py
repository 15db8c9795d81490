"""Retries, bounds and breakers once more, through sockets to a simulator that fails."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from random import Random
from typing import Any

import pytest
from gateway_doubles import ASK, ASK_STREAM, Bench, chain, model, provider, settings, table

from modelops.gateway import attempt_runner
from modelops.gateway.gateway import Gateway
from modelops.gateway.health import LONG_SECONDS
from modelops.gateway.table import RoutingTable
from modelops.gateway.upstream.http1 import Http1Client
from modelops.resources.resolved import Target
from modelops.simulator.faults import Fault
from modelops.simulator.http import listening
from modelops.simulator.simulator import Simulator


class ShiftedClock:
    """Time as it passes, and waits and minutes that pass at once."""

    def __init__(self) -> None:
        self.shift = 0.0

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time() + self.shift

    def unix_us(self) -> int:
        return 1_790_000_000_000_000 + int(self.monotonic() * 1e6)

    async def sleep(self, seconds: float) -> None:
        self.shift += seconds


class Road:
    """A gateway before a simulator of two providers, one of which takes one call at a time."""

    def __init__(self, simulator: Simulator, url: str) -> None:
        self.simulator = simulator
        self.clock = ShiftedClock()
        self.client = Http1Client()
        self._url = url
        self.bench = Bench(self._table())
        self.bench.gateway = Gateway(
            self.bench.gateway.table,
            client=self.client,
            recorder=self.bench.recorder,
            clock=self.clock,
            random=Random(7),  # noqa: S311  chance that repeats itself
        )

    def _table(self, **changes: Any) -> RoutingTable:
        return table(
            provider("one", max_concurrent_requests=1),
            provider("two"),
            model("one/a"),
            model("two/b"),
            chain("pair", "one/a", "two/b", **changes),
            chain("lone", "one/a", **changes),
            settings("pair"),
            simulator_url=self._url,
        )

    def change(self, **changes: Any) -> None:
        """Serve the chains with other settings."""
        self.bench.gateway.table = self._table(**changes)

    def fail(self, **fault: Any) -> None:
        self.simulator.faults.clear()
        self.simulator.faults.add(Fault(**fault))

    async def ask(self, name: str = "pair", **more: Any) -> tuple[int, str]:
        """Ask a chain; return the status and the story of the attempts."""
        reply = await self.bench.ask({**ASK, "model": name, **more})
        return reply.status, reply.headers.get("x-modelops-attempts", "")


@pytest.fixture
async def road() -> AsyncIterator[Road]:
    simulator = Simulator()
    async with listening(simulator) as url:
        made = Road(simulator, url)
        yield made
        await made.client.close()


async def test_backoff_and_a_second_try(road: Road) -> None:
    road.fail(provider="one", status=503, times=2)
    assert await road.ask() == (200, "one/a=503, one/a=503, one/a=200")


async def test_a_lone_target_is_waited_for_as_it_asks(road: Road) -> None:
    road.fail(provider="one", status=429, times=1, headers={"retry-after-ms": "50"})
    begun = road.clock.monotonic()
    assert await road.ask("lone") == (200, "one/a=429, one/a=200")
    assert road.clock.monotonic() - begun >= 0.05


async def test_another_target_is_asked_at_once_and_the_first_left_alone(road: Road) -> None:
    road.fail(provider="one", status=429, times=1, headers={"retry-after": "30"})
    assert await road.ask() == (200, "one/a=429, two/b=200")
    assert await road.ask() == (200, "one/a=cooling, two/b=200")
    road.clock.shift += 31
    assert await road.ask() == (200, "one/a=200")


@pytest.mark.parametrize("status", [401, 402, 404])
async def test_a_credential_or_a_model_cools_long(road: Road, status: int) -> None:
    road.fail(provider="one", status=status, times=1)
    assert await road.ask() == (200, f"one/a={status}, two/b=200")
    road.clock.shift += LONG_SECONDS - 5
    assert await road.ask() == (200, "one/a=cooling, two/b=200")
    road.clock.shift += 6
    assert await road.ask() == (200, "one/a=200")


async def test_a_breaker_opens_and_one_probe_closes_it(road: Road) -> None:
    road.change(max_attempts=2)
    road.fail(provider="one", status=500, times=5)
    stories = [await road.ask() for _ in range(6)]
    assert stories[:5] == [(200, "one/a=500, two/b=200")] * 5
    assert stories[5] == (200, "one/a=open, two/b=200")
    road.clock.shift += 30
    assert await road.ask() == (200, "one/a=200")


async def test_a_deadline_ends_the_wait(road: Road) -> None:
    road.change(deadline_ms=150)
    road.fail(provider="one", kind="hang")
    assert await road.ask("lone") == (504, "one/a=timeout")
    await ended(lambda: road.simulator.ledger.ended == 1)


@pytest.mark.parametrize("stream", [False, True])
async def test_silence_before_content_is_made_good(road: Road, stream: bool) -> None:
    hasty = [
        Target(model=name, max_retries=0, timeout_ms=100, answer_timeout_ms=100)
        for name in ("one/a", "two/b")
    ]
    road.change(targets=tuple(hasty))
    road.fail(provider="one", kind="hang")
    assert await road.ask(stream=stream) == (200, "one/a=timeout, two/b=200")


async def test_silence_within_a_stream_ends_it_with_an_error(
    road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempt_runner, "IDLE_SECONDS", 0.1)
    road.fail(provider="one", kind="stall", after_events=3)
    reply = await road.bench.ask(ASK_STREAM)
    assert reply.status == 200
    assert b'"error"' in reply.pieces[-1]
    assert (road.bench.rows[-1].outcome, road.bench.rows[-1].error_class) == ("failed", "timeout")


async def test_a_provider_at_its_limit_is_stepped_over(road: Road) -> None:
    road.fail(provider="one", kind="hang")
    first = asyncio.create_task(road.ask())
    await ended(lambda: road.bench.gateway.services.slots.used("one") == 1)
    assert await road.ask() == (200, "one/a=busy, two/b=200")
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    await ended(lambda: road.simulator.ledger.entries[-1].outcome == "client_gone")
    road.simulator.faults.clear()
    assert await road.ask() == (200, "one/a=200")


async def ended(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.005)
