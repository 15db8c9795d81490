"""What a worker learns from its own traffic, and says of itself."""

from __future__ import annotations

from typing import Any

import msgspec
import row_samples as samples
from memory_store import MemoryStore
from server_support import ask, make_runtime, serving, state

from modelops.gateway.failure import Failure, Kind
from modelops.metering.attempt import Attempt
from modelops.operations.worker_report import WorkerReport
from modelops.server.instance import announce, report, retire
from modelops.server.observer import WINDOW_MINUTES, Observer, Seen
from modelops.server.refresh import refresh
from modelops.server.runtime import Runtime


def attempt(**changes: Any) -> Attempt:
    return samples.attempt(**({"started_at_us": 1_800_000_000_000_000} | changes))


def test_the_window_forgets_what_is_older() -> None:
    seen = Seen()
    for minute in range(10):
        seen.count(minute, 1, minute % 2 == 0)
    assert seen.totals(9) == (WINDOW_MINUTES, 2)
    assert seen.totals(12) == (2, 1)
    assert seen.totals(100) == (0, 0)


class Kept:
    def __init__(self) -> None:
        self.rows: list[Attempt] = []
        self.full = False

    def begin(self, attempt: Attempt) -> None:
        self.rows.append(attempt)

    def record(self, attempt: Attempt) -> None:
        self.rows.append(attempt)


def test_everything_is_passed_on_and_counted_once() -> None:
    kept = Kept()
    observer = Observer(kept)
    observer.begin(attempt(outcome="interrupted"))
    observer.record(attempt())
    observer.record(attempt(provider="", model="", outcome="refused"))
    assert len(kept.rows) == 3
    assert [name for name, _ in observer.seen()] == ["openai/gpt-4o"]
    assert dict(observer.counters.requests) == {"success": 1, "refused": 1}


async def test_a_model_that_is_missing_at_one_endpoint_cools_there_alone() -> None:
    runtime = make_runtime(MemoryStore(state()))
    await refresh(runtime)
    runtime.observer.record(attempt())
    target = runtime.required().table.models["openai/gpt-4o"]
    ends: dict[Kind, tuple[str, ...]] = {"model_gone": ("/v1/responses",), "rate_limit": ()}
    for kind, endpoints in ends.items():
        failure = Failure(kind=kind, message="", label="")
        health, now = runtime.gateway.services.health, runtime.clock.monotonic()
        health.failed(
            target, target.provider.credential, "/v1/responses", failure, began=now, now=now
        )
        (told,) = report(runtime).targets
        assert (told.state, told.endpoints) == ("cooling", endpoints)


def test_the_callers_own_fault_is_no_failure_of_the_provider() -> None:
    observer = Observer(Kept())
    observer.record(attempt(outcome="failed", error_class="caller", message="bad request"))
    observer.record(attempt(outcome="failed", error_class="transient", message="overloaded"))
    ((_, seen),) = observer.seen()
    assert seen.totals(30_000_000) == (2, 1)
    assert seen.last_error == "transient: overloaded"


async def worker() -> tuple[Runtime, MemoryStore]:
    store = MemoryStore(state())
    runtime = make_runtime(store, simulator_url="http://127.0.0.1:9")
    await refresh(runtime)
    runtime.gateway.table = runtime.required().table
    return runtime, store


async def test_a_worker_tells_its_revision_and_what_it_has_seen() -> None:
    runtime, store = await worker()
    now_us = runtime.clock.unix_us()
    runtime.observer.record(
        attempt(started_at_us=now_us, outcome="failed", error_class="transient", message="x")
    )
    await announce(runtime)
    (row,) = store.rows.values()
    assert (row.revision, row.error, row.host) == (1, "", "here")
    said = msgspec.json.decode(row.report, type=WorkerReport)
    (target,) = said.targets
    assert (target.target, target.calls, target.failures) == ("openai/gpt-4o", 1, 1)
    assert said.simulated
    await retire(runtime)
    (row,) = store.rows.values()
    assert row.seen_at_us == 0


async def test_a_target_that_keeps_failing_is_told_as_open_with_its_next_try() -> None:
    runtime, _ = await worker()
    target = runtime.required().table.models["openai/gpt-4o"]
    breaker = runtime.gateway.services.health.breaker(target)
    for _ in range(5):
        breaker.failure(0, runtime.clock.monotonic())
    runtime.observer.record(attempt(started_at_us=runtime.clock.unix_us(), outcome="failed"))
    (said,) = report(runtime).targets
    assert said.state == "open"
    assert said.next_try_s > 0


async def test_a_provider_is_shown_with_what_traffic_tells_of_it() -> None:
    runtime, _ = await worker()
    now_us = runtime.clock.unix_us()
    for outcome in ("success", "failed"):
        runtime.observer.record(attempt(started_at_us=now_us, outcome=outcome))
    await announce(runtime)
    async with serving(runtime) as port:
        shown = (await ask(port, "/api/providers/openai", method="GET")).json()["provider"]
    assert (shown["health"], shown["connection"]) == ("failing", "untested")


async def test_a_store_that_is_away_does_not_stop_a_worker() -> None:
    runtime, store = await worker()
    store.away = "locked"
    await announce(runtime)
    assert store.rows == {}
