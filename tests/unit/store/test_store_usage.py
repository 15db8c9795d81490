"""What SQL adds up is what adding the rows up one by one gives."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from store_samples import attempt, url_of

from modelops.metering.attempt import Attempt, Cost, Usage, request_status
from modelops.metering.histogram import bucket_of
from modelops.store import migrate, open_store
from modelops.store.books import SLOT_US, Dimension, Selection, Sums

START_US = 1_763_700_000_000_000
END_US = START_US + 4 * SLOT_US

_COUNTS = st.none() | st.integers(0, 10**9)
_MONEY = st.none() | st.integers(0, 2**62)


@st.composite
def attempts(draw: st.DrawFn) -> Attempt:
    outcome = draw(st.sampled_from(["success", "failed", "cancelled", "interrupted", "refused"]))
    return attempt(
        started_at_us=draw(st.integers(START_US, END_US - 1)),
        revision=draw(st.integers(1, 2)),
        agent=draw(st.sampled_from(["", "dev"])),
        user=draw(st.sampled_from(["", "u1"])),
        chain=draw(st.sampled_from(["production", "fast"])),
        position=draw(st.integers(0, 1)),
        provider="" if outcome == "refused" else draw(st.sampled_from(["openai", "groq"])),
        model="" if outcome == "refused" else draw(st.sampled_from(["a/b", "c"])),
        usage=Usage(
            source=draw(st.sampled_from(["reported", "partial", "none", "invalid"])),
            input_tokens=draw(_COUNTS),
            output_tokens=draw(_COUNTS),
        ),
        cost=Cost(total_pico=draw(_MONEY), input_pico=draw(_MONEY), estimate_pico=draw(_MONEY)),
        latency_us=draw(st.integers(0, 10**9)),
        first_content_us=draw(st.none() | st.integers(0, 10**9)),
        outcome=outcome,
        final=draw(st.booleans()),
        simulated=draw(st.booleans()),
    )


def value_of(row: Attempt, dimension: Dimension) -> str:
    if dimension == "model":
        return f"{row.provider}/{row.model}" if row.provider else ""
    if dimension == "status":
        return request_status(row) if row.final else row.outcome
    return str(getattr(row, dimension))


def added_up(rows: Sequence[Attempt]) -> Sums:
    sums = Sums()
    for row in rows:
        reached, ok = row.outcome != "refused", row.outcome == "success"
        sums.attempts += reached
        sums.attempts_ok += ok
        sums.attempts_cancelled += row.outcome == "cancelled"
        sums.requests += row.final
        sums.requests_ok += row.final and ok
        sums.requests_fallback += row.final and ok and row.position > 0
        sums.requests_cancelled += row.final and row.outcome == "cancelled"
        sums.input_tokens += row.usage.input_tokens or 0
        sums.output_tokens += row.usage.output_tokens or 0
        sums.cost_pico += row.cost.total_pico or 0
        sums.input_cost_pico += row.cost.input_pico or 0
        sums.estimate_pico += row.cost.estimate_pico or 0
        without_cost = reached and row.cost.total_pico is None
        sums.unpriced += without_cost and row.usage.source == "reported"
        sums.unmetered += without_cost and row.usage.source != "reported"
        sums.simulated += row.simulated
        if ok:
            sums.latency_count += 1
            sums.latency_sum_us += row.latency_us
            bucket = bucket_of(row.latency_us)
            sums.latency[bucket] = sums.latency.get(bucket, 0) + 1
        if row.first_content_us is not None:
            sums.first_content_count += 1
            sums.first_content_sum_us += row.first_content_us
            bucket = bucket_of(row.first_content_us)
            sums.first_content[bucket] = sums.first_content.get(bucket, 0) + 1
    return sums


@hypothesis_settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(attempts(), max_size=12),
    st.lists(
        st.sampled_from(["provider", "model", "agent", "user", "chain", "revision", "status"]),
        unique=True,
        max_size=3,
    ),
    st.booleans(),
)
def test_groups_add_up(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[Attempt],
    by: list[Dimension],
    by_slot: bool,
) -> None:
    url = url_of(tmp_path_factory.mktemp("usage") / "store.db")
    asyncio.run(_compare(url, rows, tuple(by), by_slot))


async def _compare(url: str, rows: list[Attempt], by: tuple[Dimension, ...], by_slot: bool) -> None:
    await migrate(url)
    store = open_store(url)
    await store.add_attempts(rows)
    found = await store.usage(Selection(since_us=START_US, until_us=END_US, by=by, by_slot=by_slot))
    await store.close()
    expected: dict[tuple[tuple[str, ...], int | None], list[Attempt]] = {}
    for row in rows:
        slot = row.started_at_us // SLOT_US if by_slot else None
        expected.setdefault((tuple(value_of(row, name) for name in by), slot), []).append(row)
    if not by and not by_slot:
        expected.setdefault(((), None), [])
    assert {(group.key, group.slot): group.sums for group in found} == {
        key: added_up(members) for key, members in expected.items()
    }


async def test_rows_are_kept_once_and_chosen_by_time_and_filters(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    url = url_of(tmp_path_factory.mktemp("usage") / "store.db")
    await migrate(url)
    store = open_store(url)
    early, late = attempt(started_at_us=10), attempt(started_at_us=20, provider="groq", revision=7)
    await store.add_attempts([early, late])
    await store.add_attempts([early, late])
    await store.add_attempts([])

    async def count(selection: Selection) -> int:
        return sum(group.sums.requests for group in await store.usage(selection))

    assert await count(Selection(since_us=10, until_us=21)) == 2
    assert await count(Selection(since_us=11, until_us=21)) == 1
    assert await count(Selection(since_us=10, until_us=20)) == 1
    for filters in (
        {"provider": ("groq", "x")},
        {"revision": ("7",)},
        {"model": ("groq/gpt-4o",)},
        {"status": ("success",), "revision": ("7",)},
    ):
        selection = Selection(since_us=0, until_us=99, filters=filters)  # type: ignore[arg-type]
        assert await count(selection) == 1
    await store.close()
