"""/metrics: what workers counted, from whichever answers, as Prometheus reads it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec
from prometheus_client.parser import text_string_to_metric_families
from server_support import MemoryStore, ask, make_runtime, serving, state

from modelops.metering.attempt import Attempt, Cost, Usage
from modelops.server.instance import announce, row
from modelops.server.metrics import exposition
from modelops.server.runtime import Runtime

ATTEMPT = Attempt(
    attempt_id="0" * 32,
    request_id="0" * 32,
    started_at_us=1_800_000_000_000_000,
    revision=1,
    position=0,
    number=0,
    provider="openai",
    model="gpt-4o",
    endpoint="/v1/chat/completions",
    usage=Usage(source="reported", input_tokens=100, output_tokens=20),
    cost=Cost(source="declared", total_pico=300_000_000),
    latency_us=700_000,
    first_content_us=120_000,
    outcome="success",
    final=True,
)


def record(runtime: Runtime, **changes: Any) -> None:
    runtime.observer.record(msgspec.structs.replace(ATTEMPT, **changes))


async def samples(runtime: Runtime) -> dict[tuple[str, ...], float]:
    """Return every sample by its name and the values of its labels but the worker's."""
    async with serving(runtime) as port:
        answer = await ask(port, "/metrics", method="GET")
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/plain")
    return {
        (
            sample.name,
            *(sample.labels[name] for name in sorted(sample.labels) if name != "worker"),
        ): (sample.value)
        for family in text_string_to_metric_families(answer.body.decode())
        for sample in family.samples
    }


async def test_attempts_tokens_cost_and_durations() -> None:
    runtime = make_runtime(MemoryStore(state()))
    record(runtime)
    record(runtime, outcome="failed", final=False, latency_us=5)
    found = await samples(runtime)
    assert found["modelops_attempts_total", "gpt-4o", "success", "openai"] == 1
    assert found["modelops_attempts_total", "gpt-4o", "failed", "openai"] == 1
    assert found["modelops_requests_total", "success"] == 1
    assert found["modelops_tokens_total", "input", "gpt-4o", "openai"] == 200
    assert found["modelops_cost_usd_total", "gpt-4o", "openai"] == 0.0006
    duration = "modelops_attempt_duration_seconds"
    assert found[f"{duration}_bucket", "0.5", "gpt-4o", "openai"] == 0
    assert found[f"{duration}_bucket", "1.0", "gpt-4o", "openai"] == 1
    assert found[f"{duration}_count", "gpt-4o", "openai"] == 1
    assert found[f"{duration}_sum", "gpt-4o", "openai"] == 0.7
    assert found["modelops_revision",] == 1


async def test_overhead_is_what_a_request_took_without_its_providers() -> None:
    """0.1 s at the first, 0.3 s of waiting, 0.7 s at the second: 2 ms of 1,102 are its own."""
    runtime = make_runtime(MemoryStore(state()))
    runtime.observer.started("r")
    later = ATTEMPT.started_at_us + 400_000
    record(runtime, request_id="r", outcome="failed", final=False, latency_us=100_000)
    record(runtime, request_id="r", started_at_us=later)
    runtime.observer.ended("r", 1_102_000)
    runtime.observer.started("refused")
    runtime.observer.ended("refused", 5)
    found = await samples(runtime)
    assert found["modelops_overhead_seconds_count",] == 1
    assert found["modelops_overhead_seconds_sum",] == 0.002
    assert found["modelops_overhead_seconds_bucket", "0.001"] == 0
    assert found["modelops_overhead_seconds_bucket", "0.0025"] == 1


async def test_a_request_that_failed_over_is_a_fallback() -> None:
    runtime = make_runtime(MemoryStore(state()))
    record(runtime, position=1)
    assert (await samples(runtime))["modelops_requests_total", "fallback"] == 1


async def test_the_documentation_lists_every_metric() -> None:
    runtime = make_runtime(MemoryStore(state()))
    async with serving(runtime):
        rows = [row(runtime)]
    page = Path(__file__).parents[3] / "docs" / "operations.md"
    documented = set(re.findall(r"^\| `(modelops_\w+)`", page.read_text(), re.MULTILINE))
    shown = {
        metric.name + ("_total" if metric.type == "counter" else "") for metric in exposition(rows)
    }
    assert documented == shown


async def test_only_declared_models_become_series() -> None:
    runtime = make_runtime(MemoryStore(state()))
    record(runtime, model="made-up")
    assert not [name for name in await samples(runtime) if "made-up" in name]


async def test_other_workers_are_shown_beside_this_one() -> None:
    store = MemoryStore(state())
    runtime = make_runtime(store)
    record(runtime)
    async with serving(runtime) as port:
        await announce(runtime)
        (own,) = store.rows.values()
        store.rows["i2"] = msgspec.structs.replace(own, instance="i2", host="there", pid=2)
        answer = await ask(port, "/metrics", method="GET")
    lines = [
        line
        for line in answer.body.decode().splitlines()
        if line.startswith("modelops_requests_total{")
    ]
    assert lines == [
        'modelops_requests_total{status="success",worker="here:1"} 1.0',
        'modelops_requests_total{status="success",worker="there:2"} 1.0',
    ]


async def test_without_the_store_this_worker_speaks_for_itself() -> None:
    store = MemoryStore(state())
    runtime = make_runtime(store)
    record(runtime)
    async with serving(runtime) as port:
        store.away = "locked"
        answer = await ask(port, "/metrics", method="GET")
    assert answer.status == 200
    assert b'modelops_requests_total{status="success",worker="here:1"} 1.0' in answer.body
