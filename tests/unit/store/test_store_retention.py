"""Pruned attempts go on being counted, and no report is wrong because of them."""

from __future__ import annotations

import msgspec
import pytest
from row_samples import attempt

from modelops.metering.attempt import Cost, Usage
from modelops.resources.errors import ModelopsError
from modelops.store import open_store
from modelops.store.books import SLOT_US, Dimension, Selection
from modelops.store.protocol import StoreError

DAY_US = 96 * SLOT_US
START_US = 20_000 * DAY_US
END_US = START_US + 4 * DAY_US


async def test_sums_outlive_their_attempts(store_url: str) -> None:
    store = open_store(store_url)
    rows = [attempt(started_at_us=START_US + n * DAY_US // 4 + 7, user="ada") for n in range(16)]
    await store.add_attempts(rows)
    before_us = START_US + 2 * DAY_US
    with pytest.raises(StoreError, match="whole days"):
        await store.prune_attempts(before_us + SLOT_US)
    assert await store.count_attempts(before_us) == 8
    assert await store.prune_attempts(before_us) == 8
    assert await store.prune_attempts(before_us) == 0
    late = attempt(started_at_us=START_US + 9, user="ada")
    await store.add_attempts([late])

    async def requests(since_us: int, *by: Dimension) -> int:
        chosen = Selection(since_us=since_us, until_us=END_US, by=by)
        return sum(group.sums.requests for group in await store.usage(chosen))

    assert await requests(START_US) == await requests(START_US, "user") == 17
    assert await requests(START_US + SLOT_US, "model") == 15
    assert await requests(START_US, "user", "model", "status") == 17
    with pytest.raises(ModelopsError, match="pruned"):
        await requests(START_US + 1, "model")
    with pytest.raises(ModelopsError, match="pruned"):
        await requests(START_US + SLOT_US, "user")
    with pytest.raises(ModelopsError, match="pruned") as refused:
        await requests(START_US + SLOT_US, "user", "model")
    assert "at a whole day of UTC" in refused.value.hint
    await store.close()


async def test_an_adjusted_row_changes_the_cost_and_no_count(store_url: str) -> None:
    store = open_store(store_url)
    usage = Usage(source="reported", input_tokens=5, output_tokens=5)
    unpriced = attempt(started_at_us=START_US, usage=usage)
    adjusted = attempt(
        started_at_us=START_US,
        client_request_id=unpriced.attempt_id,
        outcome="adjusted",
        error_class="unpriced",
        final=False,
        cost=Cost(source="declared", total_pico=7, input_pico=3, output_pico=4),
    )
    await store.add_attempts([unpriced, adjusted])
    for since_us in (START_US, START_US - 1):
        chosen = Selection(since_us=since_us, until_us=END_US, by=("provider",))
        sums = (await store.usage(chosen))[0].sums
        assert (sums.attempts, sums.requests, sums.unpriced, sums.unmetered) == (1, 1, 0, 0)
        assert (sums.cost_pico, sums.input_cost_pico, sums.input_tokens) == (7, 3, 5)
    found = await store.adjusted([unpriced.attempt_id, adjusted.attempt_id])
    assert {name: tuple(sums) for name, sums in found.items()} == {unpriced.attempt_id: (7, 3, 1)}
    again = msgspec.structs.replace(adjusted, attempt_id=f"{1:032x}")
    assert await store.add_adjustments([adjusted, again]) == [again]
    assert await store.add_adjustments([again]) == await store.add_adjustments([]) == []
    twice = await store.adjusted([unpriced.attempt_id])
    assert twice[unpriced.attempt_id] == (14, 6, 2)
    await store.close()


async def test_the_last_unit_counts_whole_only_while_nothing_lies_behind_the_span(
    store_url: str,
) -> None:
    store = open_store(store_url)
    await store.add_attempts([attempt(started_at_us=START_US + 5)])

    async def requests(until_us: int, *by: Dimension) -> int:
        chosen = Selection(since_us=START_US, until_us=until_us, by=by)
        return sum(group.sums.requests for group in await store.usage(chosen))

    assert await requests(START_US + 5, "user") == 0
    assert await requests(START_US + 6, "user") == 1
    await store.add_attempts([attempt(started_at_us=START_US + 7)])
    assert await requests(START_US + 6, "user") == await requests(START_US + 6, "model") == 1
    await store.prune_attempts(START_US + DAY_US)
    with pytest.raises(ModelopsError, match="pruned"):
        await requests(START_US + 6, "user")
    await store.close()


async def test_a_list_that_reaches_into_what_was_pruned_is_refused(store_url: str) -> None:
    store = open_store(store_url)
    rows = [attempt(started_at_us=START_US + n * DAY_US) for n in range(2)]
    await store.add_attempts(rows)
    await store.prune_attempts(START_US + DAY_US)
    for until_us in (START_US + 1, END_US):
        with pytest.raises(ModelopsError, match="pruned") as refused:
            await store.list_attempts(Selection(since_us=START_US, until_us=until_us), 10)
        assert refused.value.hint.endswith("or ask for a report: it counts them")
    kept = await store.list_attempts(Selection(since_us=START_US + DAY_US, until_us=END_US), 10)
    assert [row.attempt_id for row in kept] == [rows[1].attempt_id]
    await store.close()
