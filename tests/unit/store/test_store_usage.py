"""What SQL adds up is what adding the rows up one by one gives."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from row_samples import attempt

from modelops.metering.attempt import Attempt, Cost, Usage, request_status
from modelops.metering.histogram import bucket_of
from modelops.store import migrate, open_store, weeks
from modelops.store.books import SLOT_US, AttemptCursor, Dimension, Selection
from modelops.store.cells import LabelVersions
from modelops.store.cubes import cubes_for
from modelops.store.sql_store import SqlStore
from modelops.store.sums import Sums, counted, stored_counts

DAY_US = 96 * SLOT_US
START_US = 20_000 * DAY_US
END_US = START_US + 16 * DAY_US
"""Two whole weeks, as units are counted, and parts of others."""

DIMENSIONS: tuple[Dimension, ...] = get_args(Dimension)

_COUNTS = st.none() | st.integers(0, 10**9)
_MONEY = st.none() | st.integers(0, 2**62)


@st.composite
def attempts(draw: st.DrawFn) -> Attempt:
    outcome = draw(st.sampled_from(["success", "failed", "cancelled", "interrupted", "refused"]))
    weight = draw(st.integers(1, 3))
    return attempt(
        started_at_us=draw(st.integers(START_US, END_US - 1)),
        revision=draw(st.integers(1, 5)),
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
            cache_write_tokens=draw(_COUNTS),
            cache_write_1h_tokens=draw(_COUNTS),
        ),
        cost=Cost(total_pico=draw(_MONEY), input_pico=draw(_MONEY), estimate_pico=draw(_MONEY)),
        latency_us=draw(st.integers(0, 10**9)),
        first_content_us=draw(st.none() | st.integers(0, 10**9)),
        weight=weight,
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


def version_of(row: Attempt, selection: Selection) -> int:
    if selection.label_versions is None:
        return row.revision
    known = selection.label_versions.get(row.agent, (0,))
    return max((each for each in known if each <= row.revision), default=known[0])


def added_up(rows: Sequence[Attempt]) -> Sums:
    sums, latency, first_content = Sums(), 0, 0
    for row in rows:
        reached, ok, weight = row.outcome != "refused", row.outcome == "success", row.weight
        sums.attempts += weight * reached
        sums.attempts_ok += weight * ok
        sums.attempts_cancelled += weight * (row.outcome == "cancelled")
        sums.requests += weight * row.final
        sums.requests_ok += weight * (row.final and ok)
        sums.requests_fallback += weight * (row.final and ok and row.position > 0)
        sums.requests_cancelled += weight * (row.final and row.outcome == "cancelled")
        sums.input_tokens += row.usage.input_tokens or 0
        sums.output_tokens += row.usage.output_tokens or 0
        sums.cache_write_tokens += row.usage.cache_write_tokens or 0
        sums.cache_write_tokens += row.usage.cache_write_1h_tokens or 0
        sums.cost_pico += row.cost.total_pico or 0
        sums.input_cost_pico += row.cost.input_pico or 0
        sums.estimate_pico += row.cost.estimate_pico or 0
        without_cost = reached and row.cost.total_pico is None
        sums.unpriced += weight * (without_cost and row.usage.source == "reported")
        sums.unmetered += weight * (without_cost and row.usage.source != "reported")
        sums.simulated += weight * row.simulated
        if ok:
            sums.latency_count += weight
            sums.latency_sum_us += row.latency_us
            latency += counted(bucket_of(row.latency_us // weight), weight)
        if row.first_content_us is not None:
            sums.first_content_count += weight
            sums.first_content_sum_us += row.first_content_us
            first_content += counted(bucket_of(row.first_content_us // weight), weight)
    sums.latency, sums.first_content = stored_counts(latency), stored_counts(first_content)
    return sums


_SPANS = st.tuples(st.integers(START_US, END_US), st.integers(START_US, END_US)).map(sorted)
_FILTERS = st.dictionaries(
    st.sampled_from(["provider", "status", "revision", "user"]),
    st.sampled_from([("openai",), ("success", "fallback"), ("1",), ("", "u1")]),
    max_size=1,
)


@hypothesis_settings(max_examples=15)
@given(
    st.lists(attempts(), max_size=12),
    st.lists(attempts(), max_size=4),
    _SPANS,
    st.lists(st.sampled_from(DIMENSIONS), unique=True, max_size=3),
    _FILTERS,
    st.sampled_from([0, DAY_US, 4 * SLOT_US, SLOT_US, SLOT_US + 1]),
    st.sampled_from([None, {}, {"dev": (1,), "": (0, 3)}, {"dev": (2, 3)}]),
)
def test_groups_add_up_from_rollups_and_from_attempts(
    new_store: Callable[[], str],
    rows: list[Attempt],
    more: list[Attempt],
    span: list[int],
    by: list[Dimension],
    filters: dict[Dimension, tuple[str, ...]],
    step_us: int,
    label_versions: dict[str, tuple[int, ...]] | None,
) -> None:
    if "revision" in filters:
        filters = {"revision": ("1", "7")}
    starts = tuple(range(START_US, END_US, step_us)) if step_us else ()
    selection = Selection(
        since_us=span[0],
        until_us=span[1],
        by=tuple(by),
        starts=starts,
        label_versions=label_versions,
        filters=filters,
    )
    asyncio.run(_compare(new_store(), rows, more, selection))


@hypothesis_settings(max_examples=15)
@given(
    st.lists(attempts(), min_size=8, max_size=16),
    st.sampled_from([("user", "revision"), ("revision",), ("agent", "revision", "user")]),
    st.sampled_from([{"user": ("", "u1")}, {"user": ("u1",), "status": ("success", "failed")}]),
    st.sampled_from([None, {"dev": (1, 2)}, {"": (3,), "dev": (0, 3)}]),
    st.sampled_from([0, 450]),
)
def test_weeks_by_user_are_told_apart_by_revision(
    new_store: Callable[[], str],
    rows: list[Attempt],
    by: tuple[Dimension, ...],
    filters: dict[Dimension, tuple[str, ...]],
    label_versions: dict[str, tuple[int, ...]] | None,
    pairs: int,
) -> None:
    selection = Selection(
        since_us=0, until_us=2**62, by=by, filters=filters, label_versions=label_versions
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(weeks, "_PAIRS_AT_MOST", pairs)
        asyncio.run(_compare(new_store(), rows, [], selection))


async def _compare(
    url: str, rows: list[Attempt], more: list[Attempt], selection: Selection
) -> None:
    """Compare after a batch, and after one of whose rows some are there already."""
    store = open_store(url)
    await store.add_attempts(rows)
    assert await _found(store, selection) == _expected(rows, selection)
    await store.add_attempts([*rows[:3], *more, *more[:1]])
    assert await _found(store, selection) == _expected(rows + more, selection)
    await store.close()


async def _found(
    store: SqlStore, selection: Selection
) -> dict[tuple[tuple[str, ...], int | None], Sums]:
    groups = await store.usage(selection)
    return {(group.key, group.start_us): group.sums for group in groups if group.sums != Sums()}


def _expected(
    rows: list[Attempt], selection: Selection
) -> dict[tuple[tuple[str, ...], int | None], Sums]:
    groups: dict[tuple[tuple[str, ...], int | None], list[Attempt]] = {}
    for row in rows:
        inside = selection.since_us <= row.started_at_us < selection.until_us
        if inside and all(
            value_of(row, name) in values for name, values in selection.filters.items()
        ):
            start = max((us for us in selection.starts if us <= row.started_at_us), default=None)
            key = tuple(
                str(version_of(row, selection)) if name == "revision" else value_of(row, name)
                for name in selection.by
            )
            groups.setdefault((key, start), []).append(row)
    sums = {key: added_up(members) for key, members in groups.items()}
    return {key: each for key, each in sums.items() if each != Sums()}


def test_without_a_revision_that_changed_its_labels_an_agent_has_version_0() -> None:
    chosen = Selection(since_us=0, until_us=1, label_versions={"dev": ()})
    assert LabelVersions(chosen)["dev", 3] == 0


def test_label_versions_are_looked_up_in_cubes_that_tell_agents_apart() -> None:
    by: tuple[Dimension, ...] = ("provider", "revision")
    chosen = Selection(since_us=START_US, until_us=END_US, by=by, label_versions={"dev": (1,)})
    assert [cube.name for cube in cubes_for(chosen)] == ["day", "slot"]


async def test_rows_are_kept_once_and_chosen_by_time_and_filters(store_url: str) -> None:
    await migrate(store_url)
    store = open_store(store_url)
    early, late = attempt(started_at_us=10), attempt(started_at_us=20, provider="groq", revision=7)
    await store.add_attempts([early, late])
    await store.add_attempts([early, late])
    await store.add_attempts([])

    async def count(selection: Selection) -> int:
        return sum(group.sums.requests for group in await store.usage(selection))

    assert await count(Selection(since_us=10, until_us=21)) == 2
    assert await count(Selection(since_us=11, until_us=21)) == 1
    assert await count(Selection(since_us=10, until_us=20)) == 1
    assert await count(Selection(since_us=-300, until_us=20)) == 1, "nothing was pruned"
    for filters in (
        {"provider": ("groq", "x")},
        {"revision": ("7",)},
        {"model": ("groq/gpt-4o",)},
        {"status": ("success",), "revision": ("7",)},
    ):
        selection = Selection(since_us=0, until_us=99, filters=filters)  # type: ignore[arg-type]
        assert await count(selection) == 1
    await store.close()


async def test_attempts_come_in_pages_newest_first_as_they_went_in(store_url: str) -> None:
    await migrate(store_url)
    store = open_store(store_url)
    rows = [attempt(started_at_us=number // 3) for number in range(10)]
    rows[4] = attempt(
        started_at_us=1,
        agent="dev",
        usage=Usage(source="reported", input_tokens=5, cache_write_1h_tokens=2),
        cost=Cost(source="catalog", total_pico=7, estimate_pico=1),
        first_content_us=5,
        simulated=True,
    )
    await store.add_attempts(rows)
    everything = Selection(since_us=0, until_us=99)
    found: list[Attempt] = []
    while page := await store.list_attempts(
        everything,
        4,
        AttemptCursor(found[-1].started_at_us, found[-1].attempt_id) if found else None,
    ):
        found += page
    assert found == sorted(rows, key=lambda row: (-row.started_at_us, -int(row.attempt_id, 16)))
    only = Selection(since_us=0, until_us=99, filters={"agent": ("dev",)})
    assert list(await store.list_attempts(only, 9)) == [rows[4]]
    await store.close()
