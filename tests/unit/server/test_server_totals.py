"""Rows of ended workers become one, and the sum over all rows stays what it was."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from memory_store import MemoryStore
from row_samples import instance

from modelops.operations.status import status
from modelops.operations.worker_report import Histogram, TargetCounts, WorkerReport
from modelops.server.counters import OVERHEAD_MS, PROVIDER_MS
from modelops.server.totals import merge, total
from modelops.store.protocol import Instance, StoreStaleError

SEEN_US = 1_800_000_000_000_000

_COUNTS = st.integers(0, 10**6)


def histograms(bounds_ms: tuple[float, ...]) -> st.SearchStrategy[Histogram]:
    size = len(bounds_ms) + 1
    counts = st.binary(min_size=size, max_size=size).map(tuple)  # drawn at once, not one by one
    return st.tuples(counts, _COUNTS).map(lambda drawn: Histogram(*drawn))


_STATUSES = st.dictionaries(st.sampled_from(["success", "failed"]), st.integers(1, 9))
_CALLED = st.lists(st.sampled_from(["a/x", "b/y/z"]), unique=True)
_OVERHEAD, _LATENCY = histograms(OVERHEAD_MS), histograms(PROVIDER_MS)


@st.composite
def reports(draw: st.DrawFn) -> WorkerReport:
    return WorkerReport(
        requests=draw(_STATUSES),
        overhead=draw(_OVERHEAD),
        lost=draw(_COUNTS),
        counts=tuple(
            TargetCounts(
                target=target,
                attempts=draw(_STATUSES),
                input_tokens=draw(_COUNTS),
                output_tokens=draw(_COUNTS),
                cost_pico=draw(_COUNTS),
                latency=draw(_LATENCY),
                first_content=draw(_LATENCY),
            )
            for target in sorted(draw(_CALLED))
        ),
    )


def row_of(name: str, seen_at_us: int, report: WorkerReport | None = None) -> Instance:
    content = msgspec.json.encode(report or WorkerReport(lost=1)).decode()
    return instance(name, seen_at_us=seen_at_us, report=content)


def by_target(report: WorkerReport) -> WorkerReport:
    ordered = tuple(sorted(report.counts, key=lambda each: each.target))
    return msgspec.structs.replace(report, counts=ordered)


@given(st.lists(st.tuples(reports(), st.sampled_from([0, SEEN_US])), max_size=5))
async def test_merging_changes_no_sum(found: list[tuple[WorkerReport, int]]) -> None:
    store = MemoryStore()
    for number, (report, seen_at_us) in enumerate(found):
        await store.put_instance(row_of(str(number), seen_at_us, report))
    before = by_target(total(store.rows.values()))
    seen = await merge(store, "me", {})
    running = [name for name, row in store.rows.items() if row.seen_at_us]
    assert running == [str(number) for number, (_, seen_us) in enumerate(found) if seen_us]
    assert by_target(total(store.rows.values())) == before
    await merge(store, "me", seen)
    assert len(store.rows) <= 2, "what was silent between two looks has ended"
    assert by_target(total(store.rows.values())) == before


async def test_who_speaks_is_left_alone_and_so_is_the_one_that_looks() -> None:
    store = MemoryStore()
    for name in ("me", "other", "silent", "dead"):
        await store.put_instance(row_of(name, SEEN_US))
    seen = await merge(store, "me", {})
    await store.put_instance(row_of("other", SEEN_US + 1))
    await merge(store, "me", seen)
    assert {"me", "other"} < store.rows.keys()
    assert not {"silent", "dead"} & store.rows.keys()
    assert total(store.rows.values()).lost == 4


async def test_of_two_that_merge_at_once_one_is_too_late() -> None:
    class Raced(MemoryStore):
        async def instances(self) -> list[Instance]:
            found = list(await super().instances())
            if len(found) == 2:
                await super().merge_instances(["a", "b"], row_of("ab", 0))
            return found

    store = Raced()
    await store.put_instance(row_of("a", 0))
    await store.put_instance(row_of("b", 0))
    with pytest.raises(StoreStaleError):
        await merge(store, "me", {})
    assert store.rows.keys() == {"ab"}


def test_buckets_of_another_version_are_left_out() -> None:
    old = WorkerReport(lost=1, overhead=Histogram((1, 2), 3))
    assert total([row_of("old", 0, old)]).overhead.sum_us == 0
    assert total([row_of("old", 0, old)]).lost == 1


async def test_what_ended_workers_lost_is_in_the_status_and_what_waited_there_is_not() -> None:
    store = MemoryStore({})
    report = WorkerReport(lost=3, waiting=4)
    await store.put_instance(row_of("ended", 0, report))
    await store.put_instance(row_of("me", SEEN_US - 1_000_000, report))
    found = await status(store, SEEN_US, asked=row_of("me", SEEN_US, WorkerReport(lost=2)))
    assert (found.lost, found.waiting, len(found.workers)) == (5, 0, 1)
