"""`/readyz`: whether a worker serves, and what is wrong while it does."""

from __future__ import annotations

import asyncio

import pytest
from doubles import FakeClock
from memory_store import MemoryStore
from server_support import make_runtime, model, provider, settings, state

from modelops.gateway.failure import Failure, Kind
from modelops.server.health import ready
from modelops.server.instance import heartbeat, report
from modelops.server.refresh import refresh


async def test_where_metering_is_required_nothing_is_ready_without_room_in_the_books(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("modelops.ledger.memory.CAPACITY", 0)
    for metering, status in (("best_effort", "ready"), ("required", "unavailable")):
        runtime = make_runtime(MemoryStore(state(settings(metering=metering))))
        await refresh(runtime)
        assert ready(runtime).status == status
    assert "metering: required" in ready(runtime).problems[0]


async def test_without_a_revision_nothing_is_ready() -> None:
    runtime = make_runtime(MemoryStore())
    await refresh(runtime)
    assert ready(runtime).status == "unavailable"
    assert "modelops apply" in ready(runtime).problems[0]


async def test_a_provider_without_its_secret_is_named() -> None:
    keyed = provider("openai", auth="bearer", api_key="env:MODELOPS_SECRET_ABSENT")
    other = provider("groq")
    runtime = make_runtime(MemoryStore(state(keyed, other)))
    await refresh(runtime)
    readiness = ready(runtime)
    assert readiness.status == "degraded"
    assert readiness.problems == (
        "provider openai: api_key: the variable MODELOPS_SECRET_ABSENT is not set",
    )


async def test_what_is_left_alone_is_named_while_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = FakeClock(0.0)
    runtime = make_runtime(MemoryStore(state(provider("groq"), model("groq/m"))))
    monkeypatch.setattr(runtime, "clock", clock)
    await refresh(runtime)
    health, models = runtime.gateway.services.health, runtime.required().table.models

    def fail(name: str, kind: Kind) -> None:
        failure = Failure(kind=kind, message="sk-secret", label="")
        own = models[name].provider.credential
        health.failed(models[name], own, "/v1/messages", failure, began=clock.now, now=clock.now)

    fail("openai/gpt-4o", "rate_limit")
    assert ready(runtime).status == "ready", "what rests for seconds is no news"
    for _ in range(5):
        fail("groq/m", "transient")
    fail("openai/gpt-4o", "quota")
    readiness = ready(runtime)
    assert readiness.status == "degraded"
    assert readiness.problems == (
        "provider openai: its key is not taken (quota)",
        "model groq/m: open, it failed too often",
    )
    clock.now = 31.0
    assert ready(runtime).problems == ("provider openai: its key is not taken (quota)",)
    own = models["openai/gpt-4o"].provider.credential
    health.succeeded(models["openai/gpt-4o"], own, "/v1/messages", began=clock.now, now=clock.now)
    assert ready(runtime).status == "ready"


async def test_what_this_server_lacks_for_connections_is_named() -> None:
    runtime = make_runtime(MemoryStore(state()))
    await refresh(runtime)
    target = runtime.required().table.models["openai/gpt-4o"]
    health, now = runtime.gateway.services.health, runtime.clock.monotonic()
    failure = Failure(kind="local", message="Too many open files", label="local")
    health.failed(target, target.provider.credential, "", failure, began=now, now=now)
    readiness = ready(runtime)
    assert (readiness.status, readiness.problems) == ("degraded", ("Too many open files",))


async def test_lost_rows_are_told_of_for_an_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    store, clock = MemoryStore(state()), FakeClock(0.0)
    runtime = make_runtime(store)
    monkeypatch.setattr(runtime, "clock", clock)
    await refresh(runtime)
    for lost in (2, 3):
        runtime.ledger.lost = lost
        beating = asyncio.create_task(heartbeat(runtime))
        while runtime.lost < lost:
            await asyncio.sleep(0)
        beating.cancel()
        clock.now += 3599.0
        readiness = ready(runtime)
        assert (readiness.status, len(readiness.problems)) == ("degraded", 1)
        assert readiness.problems[0].startswith("rows are lost: ")
        clock.now += 1.0
        assert ready(runtime).status == "ready"
        assert report(runtime).lost == lost, "status and metrics go on telling"


async def test_without_any_usable_provider_nothing_is_ready() -> None:
    keyed = provider("openai", auth="bearer", api_key="env:MODELOPS_SECRET_ABSENT")
    runtime = make_runtime(MemoryStore(state(keyed)))
    await refresh(runtime)
    assert ready(runtime).status == "unavailable"
