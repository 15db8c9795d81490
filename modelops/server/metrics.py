"""`/metrics` in Prometheus' text format, the same from whichever worker answers.

Every series carries the worker it comes from; those of other workers are as they last said, at
most two seconds ago. Models are the declared ones only, so callers cannot make new series.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

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

from modelops.metering.normalize import PICO_PER_USD
from modelops.operations.status import alive
from modelops.operations.worker_report import Histogram, TargetCounts, WorkerReport
from modelops.resources.addresses import split_model
from modelops.server.counters import OVERHEAD_MS, PROVIDER_MS
from modelops.server.guard import guard
from modelops.server.instance import row
from modelops.server.parts import Parts
from modelops.server.runtime import Runtime
from modelops.store.protocol import Instance, StoreError

STATES = ("ok", "cooling", "half_open", "open")


@get("/metrics", guards=[guard], media_type=CONTENT_TYPE_PLAIN_0_0_4)
async def metrics(runtime: Parts) -> Response[bytes]:
    """Return the metrics of all workers."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collected(exposition(await _rows(runtime))))
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_PLAIN_0_0_4)


async def _rows(runtime: Runtime) -> list[Instance]:
    """Return this worker's row as of now, and the others' as they last wrote them."""
    own = row(runtime)
    try:
        others = alive(await runtime.store.instances(), own.seen_at_us)
    except StoreError:
        others = []
    return [own, *(other for other in others if other.instance != own.instance)]


class _Collected(Collector):
    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = list(families)

    def collect(self) -> Iterable[Metric]:
        return self._families


def exposition(rows: Iterable[Instance]) -> Iterator[Metric]:
    """Yield every metric over these workers."""
    workers = [
        (f"{item.host}:{item.pid}", item, msgspec.json.decode(item.report, type=WorkerReport))
        for item in rows
    ]
    reports = [(worker, report) for worker, _, report in workers]
    yield from _of_workers(workers)
    yield from _of_targets(reports)
    state = GaugeMetricFamily(
        "modelops_target_state",
        f"State of a target: 0 to {len(STATES) - 1} for {', '.join(STATES)}.",
        labels=["worker", "provider", "model"],
    )
    for worker, report in reports:
        for target in report.targets:
            state.add_metric([worker, *split_model(target.target)], STATES.index(target.state))
    yield state


def _of_workers(workers: list[tuple[str, Instance, WorkerReport]]) -> Iterator[Metric]:
    requests = CounterMetricFamily(
        "modelops_requests", "Requests by status.", labels=["worker", "status"]
    )
    revision = GaugeMetricFamily(
        "modelops_revision", "Revision a worker serves.", labels=["worker"]
    )
    waiting = GaugeMetricFamily(
        "modelops_books_waiting_rows", "Rows that are not in the store yet.", labels=["worker"]
    )
    lost = CounterMetricFamily(
        "modelops_books_lost_rows", "Rows that found no room.", labels=["worker"]
    )
    overhead = HistogramMetricFamily(
        "modelops_overhead_seconds",
        "Time of a request without that of its providers and of its upload.",
        labels=["worker"],
    )
    for worker, item, report in workers:
        for status, count in sorted(report.requests.items()):
            requests.add_metric([worker, status], count)
        revision.add_metric([worker], item.revision)
        waiting.add_metric([worker], report.waiting)
        lost.add_metric([worker], report.lost)
        overhead.add_metric([worker], *_buckets(report.overhead, OVERHEAD_MS))
    yield from (requests, revision, waiting, lost, overhead)


def _of_targets(reports: list[tuple[str, WorkerReport]]) -> Iterator[Metric]:
    labels = ["worker", "provider", "model"]
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
    for worker, report in reports:
        for counts in report.counts:
            values = [worker, *split_model(counts.target)]
            _add_counts(attempts, tokens, cost, values, counts)
            latency.add_metric(values, *_buckets(counts.latency, PROVIDER_MS))
            first.add_metric(values, *_buckets(counts.first_content, PROVIDER_MS))
    yield from (attempts, tokens, cost, latency, first)


def _add_counts(
    attempts: CounterMetricFamily,
    tokens: CounterMetricFamily,
    cost: CounterMetricFamily,
    values: list[str],
    counts: TargetCounts,
) -> None:
    for outcome, count in sorted(counts.attempts.items()):
        attempts.add_metric([*values, outcome], count)
    tokens.add_metric([*values, "input"], counts.input_tokens)
    tokens.add_metric([*values, "output"], counts.output_tokens)
    cost.add_metric(values, counts.cost_pico / PICO_PER_USD)


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
