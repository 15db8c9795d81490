"""All workers as one: counts added up, who is behind, and what holds without the store."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
from memory_store import MemoryStore
from metrics_support import ATTEMPT, record, samples
from server_support import ask, make_runtime, serving, state

from modelops.ledger import Ledger
from modelops.server.instance import announce, note_books, retire
from modelops.server.refresh import refresh
from modelops.store.protocol import Instance


async def test_workers_are_added_up_whichever_answers() -> None:
    store = MemoryStore(state())
    one, two = make_runtime(store), make_runtime(store)
    two.identity = msgspec.structs.replace(two.identity, instance="i2", pid=2)
    record(one)
    record(two)
    record(two, outcome="failed")
    one.observer.refused("invalid_api_key")
    two.observer.refused("invalid_api_key")
    await samples(two)
    for runtime in (one, two):
        await refresh(runtime)
        await announce(runtime)
    found = await samples(one)
    assert found == await samples(two)
    assert found["modelops_requests_total", "success"] == 2
    assert found["modelops_refusals_total", "invalid_api_key"] == 2
    assert found["modelops_attempts_total", "gpt-4o", "failed", "openai"] == 1
    assert found["modelops_attempt_duration_seconds_count", "gpt-4o", "openai"] == 2
    assert found["modelops_workers",] == 2
    assert found["modelops_workers_behind",] == 0


async def test_a_worker_that_serves_an_older_revision_is_behind() -> None:
    store = MemoryStore(state())
    runtime = make_runtime(store)
    await refresh(runtime)
    await announce(runtime)
    (own,) = store.rows.values()
    store.rows["i2"] = msgspec.structs.replace(own, instance="i2", revision=0)
    found = await samples(runtime)
    assert (found["modelops_revision",], found["modelops_workers_behind",]) == (1, 1)


async def test_what_an_ended_worker_counted_stays_and_the_worker_does_not() -> None:
    store = MemoryStore(state())
    ended, runtime = make_runtime(store), make_runtime(store)
    ended.identity = msgspec.structs.replace(ended.identity, instance="i0")
    await refresh(ended)
    record(ended)
    await retire(ended)
    record(runtime)
    found = await samples(runtime)
    assert found["modelops_requests_total", "success"] == 2
    assert found["modelops_workers",] == 1


async def test_alone_without_the_store_it_goes_on_counting() -> None:
    store = MemoryStore(state())
    ended, runtime = make_runtime(store), make_runtime(store)
    ended.identity = msgspec.structs.replace(ended.identity, instance="i0")
    await refresh(ended)
    record(ended)
    await retire(ended)
    assert (await samples(runtime))["modelops_store_up",] == 1
    store.away = "locked"
    record(runtime)
    found = await samples(runtime)
    assert found["modelops_requests_total", "success"] == 2
    assert found["modelops_store_up",] == 0


async def test_a_store_that_takes_no_rows_is_told_of_everywhere(
    caplog: pytest.LogCaptureFixture,
) -> None:
    store = MemoryStore(state())
    runtime = make_runtime(store)
    await refresh(runtime)
    await announce(runtime)
    store.locked = "the store is locked by another process"
    for _ in range(2):
        await announce(runtime)
    assert caplog.text.count("the store is locked") == 1
    assert (await samples(runtime))["modelops_store_up",] == 0
    store.rows.clear()  # as when it was last heard of long ago
    async with serving(runtime) as port:
        ready = (await ask(port, "/readyz", method="GET")).json()
        status = (await ask(port, "/api/status", method="GET")).json()
        assert (ready["status"], ready["problems"]) == ("degraded", [store.locked])
        assert (status["store"], status["live"]) == (store.locked, 1)
        store.locked = ""
        await announce(runtime)
        assert (await ask(port, "/readyz", method="GET")).json()["status"] == "ready"
    assert (await samples(runtime))["modelops_store_up",] == 1


async def test_a_store_that_goes_silent_holds_up_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modelops.server.fleet.ASK_S", 0.01)
    store = MemoryStore(state())
    runtime = make_runtime(store)
    asked = 0

    async def silent() -> Sequence[Instance]:
        nonlocal asked
        asked += 1
        found: asyncio.Future[Sequence[Instance]] = asyncio.get_running_loop().create_future()
        return await found

    monkeypatch.setattr(store, "instances", silent)
    assert (await samples(runtime))["modelops_store_up",] == 0
    store.away = "the store does not answer"
    assert (await samples(runtime))["modelops_store_up",] == 0
    assert asked == 1


async def test_a_store_that_takes_no_attempts_is_told_of_once_and_is_not_up(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    store = MemoryStore(state())
    runtime = make_runtime(store)
    runtime.ledger = Ledger(store, tmp_path)
    runtime.ledger.record(ATTEMPT)
    store.locked = "the store is locked by another process"
    await runtime.ledger.drain()
    store.locked = ""
    for _ in range(2):
        note_books(runtime)
    assert caplog.text.count("the books do not reach the store: the store is locked") == 1
    assert (await samples(runtime))["modelops_store_up",] == 0
    await runtime.ledger.drain()
    note_books(runtime)
    assert caplog.text.count("the books reach the store again") == 1
    assert (await samples(runtime))["modelops_store_up",] == 1
    await runtime.ledger.close()


async def test_without_the_store_there_is_no_sum_over_workers_it_cannot_ask() -> None:
    store = MemoryStore(state())
    runtime, other = make_runtime(store), make_runtime(store)
    other.identity = msgspec.structs.replace(other.identity, instance="i2")
    await refresh(other)
    await announce(other)
    await samples(runtime)
    store.away = "locked"
    found = await samples(runtime)
    assert found["modelops_workers",] == 1
    assert not [name for name, *_ in found if name.endswith("_total")]
