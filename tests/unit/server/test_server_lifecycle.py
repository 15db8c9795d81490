"""The parts of a worker are made to fit its settings."""

from __future__ import annotations

from pathlib import Path

from modelops.server.lifecycle import build
from modelops.server.settings import ServerSettings


async def test_limits_are_divided_by_the_number_of_workers(tmp_path: Path) -> None:
    settings = ServerSettings(
        store_url=f"sqlite:///{tmp_path}/store.db", state_directory=str(tmp_path), workers=4
    )
    runtime = build(settings)
    assert runtime.gateway.services.share(64) == 16
    await runtime.gateway.close()
    await runtime.store.close()
