"""Which event loops the tests of this folder run on, and the folder that many begin with."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import uvloop

LoopFactory = Callable[[], asyncio.AbstractEventLoop]

FIXTURE = Path(__file__).parents[1] / "fixtures" / "config" / "two-targets"

ON_BOTH = frozenset({"test_upstream_connecting.py", "test_upstream_http1.py"})
"""What works on transports itself: the server runs on uvloop, commands and tests on asyncio's."""


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, LoopFactory]:
    """Return the event loops a test is run on."""
    if item.path.name in ON_BOTH:
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
