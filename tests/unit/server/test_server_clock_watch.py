"""A wall clock that is set: noticed once, told for an hour, counted for ever."""

from __future__ import annotations

import asyncio

import pytest
from doubles import FakeClock
from memory_store import MemoryStore
from server_support import ask, make_runtime, serving, state

from modelops.gateway.call import Call, Reply
from modelops.operations.status import status
from modelops.server.clock_watch import ClockWatch
from modelops.server.health import ready
from modelops.server.instance import heartbeat, row
from modelops.server.refresh import refresh
from modelops.server.totals import total

HOUR_US = 3_600_000_000


@pytest.mark.parametrize(
    ("step_us", "said"),
    [(-HOUR_US, "back by 3,600 s"), (24 * HOUR_US, "forward, or the machine slept, by 86,400 s")],
)
def test_a_step_is_told_for_an_hour(
    step_us: int, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    clock, watch = FakeClock(), ClockWatch()
    watch.look(clock)
    clock.now += 7.0
    clock.epoch_us += 1_000_000  # slewed
    watch.look(clock)
    assert (watch.steps, watch.problem(clock), caplog.messages) == (0, "", [])
    clock.epoch_us += step_us
    for _ in range(2):
        watch.look(clock)
    assert said in watch.problem(clock)
    assert (watch.steps, caplog.messages) == (1, [watch.problem(clock)])
    clock.now += 3600.0
    assert (watch.steps, watch.problem(clock)) == (1, "")


async def test_a_step_reaches_readiness_status_and_metrics(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store, clock = MemoryStore(state()), FakeClock()
    runtime = make_runtime(store)
    monkeypatch.setattr(runtime, "clock", clock)
    await refresh(runtime)
    runtime.clock_watch.look(clock)
    clock.epoch_us -= 30 * 24 * HOUR_US
    beating = asyncio.create_task(heartbeat(runtime))
    while not runtime.clock_watch.steps:
        await asyncio.sleep(0)
    beating.cancel()
    (problem,) = ready(runtime).problems
    assert problem.startswith("the clock went back by 2,592,000 s")
    found = await status(store, clock.unix_us(), asked=row(runtime))
    assert found.clock_error == problem
    assert total([row(runtime), row(runtime)]).clock_steps == 2


async def test_how_long_a_request_took_is_not_read_from_the_clock_on_the_wall(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock, took = FakeClock(), list[int]()
    runtime = make_runtime(MemoryStore(state()))
    monkeypatch.setattr(runtime, "clock", clock)
    monkeypatch.setattr(runtime.observer, "ended", lambda _request_id, us: took.append(us))
    answer = runtime.gateway.answer

    async def slow(call: Call, reply: Reply) -> None:
        clock.now += 0.25
        clock.epoch_us -= HOUR_US
        await answer(call, reply)

    monkeypatch.setattr(runtime.gateway, "answer", slow)
    async with serving(runtime) as port:
        assert (await ask(port)).status == 200
    assert took == [250_000]
