"""/metrics: what workers counted, from whichever answers, as Prometheus reads it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import msgspec
import resource_samples
import yaml
from memory_store import MemoryStore
from metrics_support import ATTEMPT, record, samples
from server_support import make_runtime, provider, serving, state

from modelops.gateway.failure import Failure
from modelops.gateway.table import RoutingTable, compile_table
from modelops.resources.resolved import Credential
from modelops.resources.state import State
from modelops.secrets.secret import Secret
from modelops.server.fleet import fleet
from modelops.server.metrics import exposition
from modelops.server.refresh import refresh

DOCS = Path(__file__).parents[3] / "docs"


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
