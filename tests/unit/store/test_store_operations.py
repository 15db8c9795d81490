"""Rows of workers and of connection tests, on both kinds of database."""

from __future__ import annotations

import asyncio

import pytest
from row_samples import instance

from modelops.store import open_store
from modelops.store.protocol import ProbeResult, StoreStaleError


async def test_a_worker_has_one_row_and_the_last_one_seen_comes_first(store_url: str) -> None:
    store = open_store(store_url)
    assert list(await store.instances()) == []
    for each in (
        instance("a", seen_at_us=1),
        instance("b", seen_at_us=2),
        instance("a", seen_at_us=3),
    ):
        await store.put_instance(each)
    assert list(await store.instances()) == [
        instance("a", seen_at_us=3),
        instance("b", seen_at_us=2),
    ]
    await store.close()


async def test_rows_are_merged_once_and_wholly_or_not_at_all(store_url: str) -> None:
    store = open_store(store_url)
    for name in ("a", "b", "c"):
        await store.put_instance(instance(name))
    with pytest.raises(StoreStaleError):
        await store.merge_instances(["a", "nobody"], instance("x"))
    assert {row.instance for row in await store.instances()} == {"a", "b", "c"}
    racing = [open_store(store_url) for _ in range(3)]
    results = await asyncio.gather(
        *(
            each.merge_instances(["a", "b"], instance(f"merged-{number}"))
            for number, each in enumerate(racing)
        ),
        return_exceptions=True,
    )
    assert sum(isinstance(result, StoreStaleError) for result in results) == 2
    (merged,) = [row.instance for row in await store.instances() if row.instance != "c"]
    assert results[int(merged.removeprefix("merged-"))] is None
    for each in (store, *racing):
        await each.close()


async def test_the_last_connection_test_of_a_provider_is_kept(store_url: str) -> None:
    store = open_store(store_url)
    for status in ("error", "connected"):
        await store.put_probe_result(
            ProbeResult(provider="openai", status=status, tested_at_us=1, report="{}")
        )
    assert [row.status for row in await store.probe_results()] == ["connected"]
    await store.close()
