"""Pruned attempts go on being counted, and no report is wrong because of them."""

from __future__ import annotations

import pytest
from store_samples import attempt

from modelops.metering.attempt import Cost, Usage
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
    with pytest.raises(StoreError, match="added up until"):
        await store.prune_attempts(before_us)
    while await store.roll_up(END_US + DAY_US):
        pass
    with pytest.raises(StoreError, match="added up until"):
        await store.prune_attempts(before_us + SLOT_US)
    late = attempt(started_at_us=START_US + 9, user="ada")
    await store.add_attempts([late])
    assert await store.count_attempts(before_us) == 9
    assert await store.prune_attempts(before_us) == 8
    assert await store.prune_attempts(before_us) == 0

    async def requests(since_us: int, *by: Dimension) -> int:
        chosen = Selection(since_us=since_us, until_us=END_US, by=by)
        return sum(group.sums.requests for group in await store.usage(chosen))

    for _ in ("with the late row beside the sums", "with the late row in them"):
        assert await requests(START_US) == await requests(START_US, "user") == 17
        assert await requests(START_US + SLOT_US, "model") == 15
        assert await requests(before_us, "user", "model") == 8
        await store.roll_up(END_US + DAY_US)
    with pytest.raises(StoreError, match="pruned"):
        await requests(START_US + 1, "model")
    with pytest.raises(StoreError, match="pruned"):
        await requests(START_US + SLOT_US, "user")
    with pytest.raises(StoreError, match="pruned"):
        await requests(START_US, "user", "model")
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
    chosen = Selection(since_us=START_US, until_us=END_US, by=("provider",))
    for _ in range(2):
        sums = (await store.usage(chosen))[0].sums
        assert (sums.attempts, sums.requests, sums.unpriced, sums.unmetered) == (1, 1, 0, 0)
        assert (sums.cost_pico, sums.input_cost_pico, sums.input_tokens) == (7, 3, 5)
        while await store.roll_up(END_US + DAY_US):
            pass
    found = await store.adjusted([unpriced.attempt_id, adjusted.attempt_id])
    assert {name: tuple(sums) for name, sums in found.items()} == {unpriced.attempt_id: (7, 3)}
    await store.close()


async def test_a_clock_that_steps_backwards_counts_every_row_once(store_url: str) -> None:
    store = open_store(store_url)
    chosen = Selection(since_us=START_US, until_us=END_US, by=("model",))
    for number, (started_us, now_us) in enumerate(
        [
            (START_US + 3 * DAY_US, END_US + DAY_US),
            (START_US + DAY_US, START_US + DAY_US),
            (START_US, START_US + 2 * DAY_US),
        ],
        1,
    ):
        await store.add_attempts([attempt(started_at_us=started_us)])
        while await store.roll_up(now_us):
            pass
        assert sum(group.sums.requests for group in await store.usage(chosen)) == number
    await store.close()
