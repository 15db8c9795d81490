"""/metrics: what workers counted, from whichever answers, as Prometheus reads it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec
import pytest
import resource_samples
import yaml
from memory_store import MemoryStore
from prometheus_client.parser import text_string_to_metric_families
from row_samples import attempt
from server_support import ask, make_runtime, provider, serving, state

from modelops.gateway.failure import Failure
from modelops.gateway.table import RoutingTable, compile_table
from modelops.ledger import Ledger
from modelops.metering.attempt import Cost, Usage
from modelops.resources.resolved import Credential
from modelops.resources.state import State
from modelops.secrets.secret import Secret
from modelops.server.fleet import fleet
from modelops.server.instance import announce, note_books, retire
from modelops.server.metrics import exposition
from modelops.server.refresh import refresh
from modelops.server.runtime import Runtime
from modelops.store.protocol import Instance

DOCS = Path(__file__).parents[3] / "docs"
ATTEMPT = attempt(
    started_at_us=1_800_000_000_000_000,
    usage=Usage(source="reported", input_tokens=100, output_tokens=20),
    cost=Cost(source="declared", total_pico=300_000_000),
    latency_us=700_000,
    first_content_us=120_000,
)


def record(runtime: Runtime, **changes: Any) -> None:
    runtime.observer.record(msgspec.structs.replace(ATTEMPT, **changes))


async def samples(runtime: Runtime) -> dict[tuple[str, ...], float]:
    """Return every sample by its name and the values of its labels."""
    async with serving(runtime) as port:
        answer = await ask(port, "/metrics", method="GET")
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/plain")
    return {
        (sample.name, *(sample.labels[name] for name in sorted(sample.labels))): sample.value
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


async def test_refusals_by_code_with_a_row_or_without() -> None:
    runtime = make_runtime(MemoryStore(state()))
    refused = {"provider": "", "model": "", "outcome": "refused"}
    record(runtime, **refused, error_class="model_not_found")
    runtime.observer.refused("invalid_api_key")
    runtime.observer.refused("invalid_api_key")
    found = await samples(runtime)
    assert found["modelops_refusals_total", "model_not_found"] == 1
    assert found["modelops_refusals_total", "invalid_api_key"] == 2
    assert found["modelops_requests_total", "refused"] == 1


async def test_overhead_is_what_a_request_took_without_its_providers() -> None:
    """0.1 s at the first, 0.3 s of waiting, 0.7 s at the second: 2 ms of 1,102 are its own."""
    runtime = make_runtime(MemoryStore(state()))
    later = ATTEMPT.started_at_us + 400_000
    record(runtime, request_id="r", outcome="failed", final=False, latency_us=100_000)
    record(runtime, request_id="r", started_at_us=later)
    runtime.observer.ended("r", 1_102_000)
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
        known = await fleet(runtime)
    page = (DOCS / "operations.md").read_text()
    documented = set(re.findall(r"^\| `(modelops_\w+)`", page, re.MULTILINE))
    shown = {
        metric.name + ("_total" if metric.type == "counter" else "")
        for metric in exposition(known, ())
    }
    assert documented == shown


class Rule(msgspec.Struct, forbid_unknown_fields=True, rename={"for_": "for"}):
    """An alerting rule, as Prometheus reads it."""

    alert: str
    expr: str
    labels: dict[str, str]
    annotations: dict[str, str]
    for_: Annotated[str, msgspec.Meta(pattern=r"^\d+[smhd]$")] = "0s"


class Group(msgspec.Struct, forbid_unknown_fields=True):
    """Rules that are evaluated together."""

    name: str
    rules: list[Rule]


class Rules(msgspec.Struct, forbid_unknown_fields=True):
    """A file of rules."""

    groups: list[Group]


async def test_the_alerting_rules_are_on_metrics_and_values_that_there_are() -> None:
    read = yaml.safe_load((DOCS / "alerts.yml").read_text())
    rules = [rule for group in msgspec.convert(read, Rules).groups for rule in group.rules]
    assert len({rule.alert for rule in rules}) == len(rules) > 0
    runtime = make_runtime(MemoryStore(state()))
    for position, outcome in ((0, "success"), (1, "success"), (0, "failed")):
        record(runtime, position=position, outcome=outcome)
    runtime.observer.record(msgspec.structs.replace(ATTEMPT, started_at_us=runtime.clock.unix_us()))
    found = await samples(runtime)
    names, values = {sample[0] for sample in found}, {value for sample in found for value in sample}
    for rule in rules:
        assert set(re.findall(r"modelops_\w+", rule.expr)) <= names, rule.alert
        written = re.findall(r'=~?"([^"]*)"', rule.expr)
        assert {value for one in written for value in one.split("|")} <= values, rule.alert
        assert rule.labels["severity"] in ("page", "ticket")


async def test_a_rejected_key_is_counted_until_it_works_or_is_replaced() -> None:
    own = (Credential(provider="openai", api_key="sealed"),)
    keyed = provider(auth="bearer", api_key="sealed")
    agents = [resource_samples.agent(name, credentials=own) for name in ("one", "two")]
    resources = state(keyed, *agents)
    runtime = make_runtime(MemoryStore(resources))
    health, failure = runtime.gateway.services.health, Failure(kind="quota", message="", label="")

    async def rejected() -> float:
        return (await samples(runtime))["modelops_keys_rejected", "openai"]

    def serve_with(key: str, resources: State = resources) -> RoutingTable:
        table = compile_table(1, resources, lambda address, _: Secret(f"{key}-{address}"))
        runtime.gateway.table = table
        return table

    await refresh(runtime)
    table = serve_with("old")
    target = table.models["openai/gpt-4o"]
    assert await rejected() == 0
    keys = (target.provider.credential, table.agents["one"].credentials["openai"])
    for key in keys:
        health.failed(target, key, "/v1/messages", failure, began=0, now=0)
    assert await rejected() == 2
    serve_with("old", state(keyed, agents[1]))
    assert await rejected() == 1
    serve_with("old")
    health.succeeded(target, keys[0], "/v1/messages", began=0, now=0)
    assert await rejected() == 1
    serve_with("new")
    assert await rejected() == 0


async def test_only_declared_models_become_series() -> None:
    runtime = make_runtime(MemoryStore(state()))
    record(runtime, model="made-up")
    assert not [name for name in await samples(runtime) if "made-up" in name]


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
