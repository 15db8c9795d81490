"""Which event loops the tests of this folder run on, and the folder that many begin with."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import pytest
import uvloop
from upstream_rig import Rig, connected

LoopFactory = Callable[[], asyncio.AbstractEventLoop]

FIXTURE = Path(__file__).parents[1] / "fixtures" / "config" / "two-targets"

ON_BOTH = "test_upstream_"
"""What works on transports itself: the server runs on uvloop, commands and tests on asyncio's."""


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, LoopFactory]:
    """Return the event loops a test is run on."""
    if item.path.name.startswith(ON_BOTH):
        return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
    return {"asyncio": asyncio.new_event_loop}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a configuration of its own the working directory."""
    place = tmp_path / "config"
    shutil.copytree(FIXTURE, place)
    monkeypatch.chdir(place)
    monkeypatch.delenv("MODELOPS_STORE", raising=False)
    return place


@pytest.fixture
def out(capsys: pytest.CaptureFixture[str]) -> Callable[[], str]:
    """Return what was printed to stdout since the last time."""
    return lambda: capsys.readouterr().out


@pytest.fixture(params=["plain", "tls", "proxied"])
async def rig(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Rig]:
    """Return an upstream that misbehaves and a client, over each kind of connection."""
    async with connected(request.param, tmp_path) as made:
        yield made
