"""The parts of a worker are made to fit its settings."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from memory_store import MemoryStore
from row_samples import attempt

from modelops.ledger import Ledger
from modelops.server.lifecycle import build, running
from modelops.server.settings import ServerSettings
from modelops.store.protocol import StoreUnreachableError


async def test_limits_are_divided_by_the_number_of_workers(tmp_path: Path) -> None:
    settings = ServerSettings(
        store_url=f"sqlite:///{tmp_path}/store.db", state_directory=str(tmp_path), workers=4
    )
    runtime = build(settings)
    assert runtime.gateway.services.share(64) == 16
    await runtime.gateway.close()
    await runtime.store.close()


async def test_a_store_that_does_not_answer_is_not_waited_for_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each wait may take ten seconds, and whoever stops the server has not much more."""
    runtime = build(ServerSettings(store_url="sqlite:////no/store.db", state_directory="/no"))
    await runtime.store.close()
    store = runtime.store = MemoryStore()
    runtime.ledger = Ledger(store, tmp_path)
    store.away = "the store does not answer"
    asked: list[str] = []
    tried = asyncio.Event()

    async def refuse_row(_instance: object) -> None:
        asked.append("put_instance")
        raise StoreUnreachableError(store.away)

    async def refuse_rows(_blocks: object, _mark: object) -> None:
        asked.append("add_journalled")
        tried.set()
        raise StoreUnreachableError(store.away)

    monkeypatch.setattr(store, "put_instance", refuse_row)
    monkeypatch.setattr(store, "add_journalled", refuse_rows)
    async with running(runtime):
        runtime.ledger.record(attempt())
        await tried.wait()
        asked.clear()
    assert not asked
    assert runtime.ledger.waiting == 1
