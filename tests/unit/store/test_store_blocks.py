"""What a driver takes is what attempts were, whatever columns they have values in."""

from __future__ import annotations

import sys
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from row_samples import attempt
from store_samples import url_of

from modelops.metering.attempt import Attempt, Cost, Usage
from modelops.store import blocks, migrate, open_store
from modelops.store.attempts import _of_rows
from modelops.store.blocks import attempts_of, block_of
from modelops.store.books import Selection
from modelops.store.columns import NAMES
from modelops.store.tally import without_user

_COUNTS = st.none() | st.integers(0, 10**9)
_ATTEMPTS = st.builds(
    attempt,
    stream=st.booleans(),
    final=st.booleans(),
    simulated=st.booleans(),
    user=st.sampled_from(["", "ann", "\u00e9\u4e2d"]),
    message=st.sampled_from(["", "it's \x00 odd"]),
    usage=st.builds(
        Usage,
        source=st.sampled_from(["reported", "none"]),
        input_tokens=_COUNTS,
        output_tokens=_COUNTS,
    ),
    cost=st.builds(Cost, total_pico=_COUNTS, estimate_pico=_COUNTS),
    first_content_us=_COUNTS,
)


@given(st.lists(_ATTEMPTS, min_size=1, max_size=9), st.integers(1, 4))
def test_attempts_come_back_as_they_were(rows: list[Attempt], at_once: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "ROWS_AT_ONCE", at_once)
        block = block_of(rows)
    assert list(attempts_of(block)) == rows
    assert block.rows == len(rows)
    assert len(block.groups) == len(rows) // at_once
    values = [value for part in (*block.groups, *block.rest) for value in part]
    assert not any(isinstance(value, bool) for value in values)


def test_a_column_without_a_value_is_left_out() -> None:
    assert "first_content_us" not in block_of([attempt(first_content_us=None)]).names
    assert "first_content_us" in block_of([attempt(first_content_us=1), attempt()]).names


def test_values_that_all_rows_have_are_there_once_for_many() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "ROWS_AT_ONCE", 2)
        patch.setattr(blocks, "_OFTEN_SHARED", (("agent", "chain"), ("client_request_id", "user")))
        block = block_of([attempt(agent="ann", user=user) for user in ("", "bo", "", "cy", "")])
    assert [group.count("ann") for group in (*block.groups, *block.rest)] == [1, 1, 1]
    assert "agent" in block.names[: block.shared]
    assert "user" in block.names[block.shared :]


def test_few_rows_take_one_statement_whatever_they_have_in_common() -> None:
    other = {"agent": "ann", "model": "m2", "number": 1, "user": "bo", "outcome": "failed"}
    varied = [dict(some) for size in range(6) for some in combinations(other.items(), size)]
    made = [block_of([attempt(), attempt(**values)]) for values in varied]
    assert len({(block.names, block.shared) for block in made}) == 1


def test_only_so_many_statements_are_kept() -> None:
    for count in range(1, 200):
        _of_rows(NAMES[:1] * count, 0, 1)
    assert _of_rows.cache_info().currsize < 199


def test_what_is_inserted_with_one_step_fits_every_sqlite() -> None:
    assert 0 < blocks.ROWS_AT_ONCE * len(NAMES) <= blocks._VARIABLES


@pytest.mark.parametrize("count", [1, 5, 144])
def test_what_is_worked_out_leaves_nothing_in_the_allocator(count: int) -> None:
    rows = [attempt(first_content_us=1)] * count
    for number in range(220):
        if number == 20:
            before = sys.getallocatedblocks()
        without_user(block_of(rows).tallies)
    assert sys.getallocatedblocks() - before < 100


@pytest.mark.parametrize("sharing", [True, False])
async def test_rows_are_stored_as_they_were_whatever_they_share(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sharing: bool
) -> None:
    if not sharing:
        monkeypatch.setattr(blocks, "_OFTEN_SHARED", ())
    monkeypatch.setattr(blocks, "BLOCK", 60)  # two groups and a rest
    rows = [attempt(started_at_us=us, model=f"m{us // 60}", user=f"u{us}") for us in range(130)]
    await migrate(url_of(tmp_path / "store.db"))
    store = open_store(url_of(tmp_path / "store.db"))
    await store.add_attempts(rows)
    found = await store.list_attempts(Selection(since_us=0, until_us=1_000), 1_000)
    assert sorted(found, key=lambda row: row.started_at_us) == rows
    await store.close()
