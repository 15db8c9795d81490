"""`/metrics` in Prometheus' text format, the same from whichever worker answers.

Counters are sums over all workers, those that have ended included, so they only ever rise; gauges
are of those that run. Models are the declared ones only, so callers cannot make new series.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

import msgspec
from litestar import Response, get
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

from modelops.metering.attempt import PICO_PER_USD
from modelops.operations.worker_report import (
    TARGET_STATES,
    Histogram,
    TargetCounts,
    WorkerReport,
)
from modelops.resources.addresses import split_model
from modelops.server.counters import OVERHEAD_MS, PROVIDER_MS
from modelops.server.fleet import Fleet, fleet
from modelops.server.guard import guard
from modelops.server.parts import Parts
from modelops.store.protocol import Instance


@get("/metrics", guards=[guard], media_type=CONTENT_TYPE_PLAIN_0_0_4)
async def metrics(runtime: Parts) -> Response[bytes]:
    """Return the metrics of all workers."""
    registry = CollectorRegistry(auto_describe=False)
    found = exposition(await fleet(runtime), runtime.gateway.table.models)
    registry.register(_Collected(found))
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_PLAIN_0_0_4)


class _Collected(Collector):
    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = list(families)

    def collect(self) -> Iterable[Metric]:
        return self._families


def exposition(known: Fleet, declared: Collection[str]) -> Iterator[Metric]:
    """Yield every metric of these workers, on the declared models."""
    yield GaugeMetricFamily(
        "modelops_store_up",
        "Whether the store answers; while it does not, counters of several workers are left out.",
        value=known.store_up,
    )
    yield from _gauges(known.running, declared)
    if known.counted is not None:
        yield from _of_requests(known.counted)
        yield from _of_targets([each for each in known.counted.counts if each.target in declared])


def _gauges(running: Sequence[Instance], declared: Collection[str]) -> Iterator[Metric]:
    reports = [msgspec.json.decode(row.report, type=WorkerReport) for row in running]
    newest = max(row.revision for row in running)
    behind = sum(row.revision < newest or bool(row.error) for row in running)
    yield GaugeMetricFamily("modelops_revision", "Newest revision that is served.", value=newest)
    yield GaugeMetricFamily("modelops_workers", "Workers that run.", value=len(running))
    yield GaugeMetricFamily(
        "modelops_workers_behind",
        "Workers that serve an older revision, or could not take the newest.",
        value=behind,
    )
    yield GaugeMetricFamily(
        "modelops_books_waiting_rows",
        "Rows that are not in the store yet.",
        value=sum(report.waiting for report in reports),
    )
    rejected = GaugeMetricFamily(
        "modelops_keys_rejected",
        "Keys that a provider does not take, its own and agents', at the worker with most.",
        labels=["provider"],
    )
    for provider in sorted({split_model(model)[0] for model in declared}):
        most = max(report.rejected.get(provider, 0) for report in reports)
        rejected.add_metric([provider], most)
    yield rejected
    state = GaugeMetricFamily(
        "modelops_target_state",
        f"State of a target at the worker where it is worst: 0 to {len(TARGET_STATES) - 1} for "
        f"{', '.join(TARGET_STATES)}.",
        labels=["provider", "model"],
    )
    for target, worst in sorted(_worst(reports).items()):
        if target in declared:
            state.add_metric(split_model(target), worst)
    yield state


def _worst(reports: Iterable[WorkerReport]) -> dict[str, int]:
    """Return the worst state of each target over the workers, as a number."""
    worst: dict[str, int] = {}
    for report in reports:
        for target in report.targets:
            number = TARGET_STATES.index(target.state)
            worst[target.target] = max(worst.get(target.target, 0), number)
    return worst


def _of_requests(counted: WorkerReport) -> Iterator[Metric]:
    requests = CounterMetricFamily("modelops_requests", "Requests by status.", labels=["status"])
    for status, count in sorted(counted.requests.items()):
        requests.add_metric([status], count)
    yield requests
    refused = CounterMetricFamily(
        "modelops_refusals",
        "Requests that were refused, by the code of their answer; not all of them have a row.",
        labels=["code"],
    )
    for code, count in sorted(counted.refused.items()):
        refused.add_metric([code], count)
    yield refused
    yield CounterMetricFamily(
        "modelops_books_collapsed_rows",
        "Rows that gave up their detail for want of room, and kept their sums.",
        value=counted.collapsed,
    )
    yield CounterMetricFamily(
        "modelops_books_lost_rows",
        "Rows that found no room, or that no store takes.",
        value=counted.lost,
    )
    yield CounterMetricFamily(
        "modelops_clock_steps",
        "How often the wall clock of a worker was set, or went on after the machine had slept.",
        value=counted.clock_steps,
    )
    overhead = HistogramMetricFamily(
        "modelops_overhead_seconds",
        "Time of a request without that of its providers and of its upload.",
    )
    overhead.add_metric([], *_buckets(counted.overhead, OVERHEAD_MS))
    yield overhead


def _of_targets(targets: Iterable[TargetCounts]) -> Iterator[Metric]:
    labels = ["provider", "model"]
    attempts = CounterMetricFamily(
        "modelops_attempts", "Calls to providers by outcome.", labels=[*labels, "outcome"]
    )
    tokens = CounterMetricFamily(
        "modelops_tokens", "Tokens as providers report them.", labels=[*labels, "direction"]
    )
    cost = CounterMetricFamily("modelops_cost_usd", "Cost in USD where known.", labels=labels)
    latency = HistogramMetricFamily(
        "modelops_attempt_duration_seconds", "Duration of successful calls.", labels=labels
    )
    first = HistogramMetricFamily(
        "modelops_first_content_seconds", "Time to the first content.", labels=labels
    )
    for counts in targets:
        values = split_model(counts.target)
        for outcome, count in sorted(counts.attempts.items()):
            attempts.add_metric([*values, outcome], count)
        tokens.add_metric([*values, "input"], counts.input_tokens)
        tokens.add_metric([*values, "output"], counts.output_tokens)
        cost.add_metric(values, counts.cost_pico / PICO_PER_USD)
        latency.add_metric(values, *_buckets(counts.latency, PROVIDER_MS))
        first.add_metric(values, *_buckets(counts.first_content, PROVIDER_MS))
    yield from (attempts, tokens, cost, latency, first)


def _buckets(
    histogram: Histogram, bounds_ms: tuple[float, ...]
) -> tuple[list[tuple[str, float]], float]:
    """Return cumulated buckets by their upper bound in seconds, and the sum in seconds."""
    bounds = [*(str(bound / 1000) for bound in bounds_ms), "+Inf"]
    total, buckets = 0, []
    for bound, count in zip(bounds, histogram.counts, strict=True):
        total += count
        buckets.append((bound, float(total)))
    return buckets, histogram.sum_us / 1_000_000
