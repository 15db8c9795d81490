"""What workers have counted, added up: of those that run, and of those that have ended.

A worker's counts outlive it, because a sum that falls when a worker is replaced reads like a
restart of everything. Its last row stays in the store, and now and then the rows of workers that
have ended become one, with the same sum.
"""

from __future__ import annotations

import logging
import secrets
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NoReturn

import msgspec

from modelops.operations.worker_report import Histogram, TargetCounts, WorkerReport
from modelops.server.counters import OVERHEAD_MS, PROVIDER_MS
from modelops.server.runtime import Runtime
from modelops.store.protocol import Instance, OperationsStore, StoreError, StoreStaleError

LOOK_S = 600.0
"""Seconds between two looks: a worker that was silent in between has ended. By this process' own
clock, so a clock that is wrong, or a laptop that slept, ends nobody; and long, since a worker that
was only paused would be counted twice when it goes on."""

logger = logging.getLogger(__name__)


def total(rows: Iterable[Instance]) -> WorkerReport:
    """Return what all these workers have counted: a report with nothing else in it."""
    reports = [msgspec.json.decode(row.report, type=WorkerReport) for row in rows]
    requests: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    counts: dict[str, TargetCounts] = {}
    for report in reports:
        requests.update(report.requests)
        refused.update(report.refused)
        for target in report.counts:
            before = counts.get(target.target)
            counts[target.target] = _added(before, target) if before else target
    return WorkerReport(
        requests=dict(requests),
        refused=dict(refused),
        overhead=_histogram((report.overhead for report in reports), OVERHEAD_MS),
        collapsed=sum(report.collapsed for report in reports),
        lost=sum(report.lost for report in reports),
        clock_steps=sum(report.clock_steps for report in reports),
        counts=tuple(counts.values()),
    )


async def merge_loop(runtime: Runtime) -> NoReturn:
    """Merge the rows of workers that have ended, at the start and from time to time."""
    before: Mapping[str, int] = {}
    while True:
        try:
            before = await merge(runtime.store, runtime.identity.instance, before)
        except (StoreError, StoreStaleError) as error:
            logger.debug("rows of ended workers were not merged: %s", error.message)
        await runtime.clock.sleep(LOOK_S)


async def merge(store: OperationsStore, own: str, before: Mapping[str, int]) -> dict[str, int]:
    """Merge the rows of workers that said so, or nothing, since `before`.

    `before` and what is returned map an instance to the time it was last seen. StoreStaleError when
    another worker was faster.
    """
    rows = [row for row in await store.instances() if row.instance != own]
    ended = [row for row in rows if before.get(row.instance, 0) == row.seen_at_us]
    if len(ended) > 1:
        await store.merge_instances([row.instance for row in ended], _merged(ended))
    return {row.instance: row.seen_at_us for row in rows}


def _merged(ended: list[Instance]) -> Instance:
    return Instance(
        instance=secrets.token_hex(16),
        host="",
        pid=0,
        started_at_us=min(row.started_at_us for row in ended),
        seen_at_us=0,
        revision=0,
        error="",
        report=msgspec.json.encode(total(ended)).decode(),
    )


def _added(one: TargetCounts, other: TargetCounts) -> TargetCounts:
    return TargetCounts(
        target=one.target,
        attempts=dict(Counter(one.attempts) + Counter(other.attempts)),
        input_tokens=one.input_tokens + other.input_tokens,
        output_tokens=one.output_tokens + other.output_tokens,
        cost_pico=one.cost_pico + other.cost_pico,
        latency=_histogram((one.latency, other.latency), PROVIDER_MS),
        first_content=_histogram((one.first_content, other.first_content), PROVIDER_MS),
    )


def _histogram(histograms: Iterable[Histogram], bounds_ms: Sequence[float]) -> Histogram:
    """Return the sum of histograms; those whose buckets another version made are left out."""
    counts, sum_us = [0] * (len(bounds_ms) + 1), 0
    for histogram in histograms:
        if len(histogram.counts) == len(counts):
            counts = [one + other for one, other in zip(counts, histogram.counts, strict=True)]
            sum_us += histogram.sum_us
    return Histogram(tuple(counts), sum_us)
