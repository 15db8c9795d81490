"""What the watchdog takes for a hang, and what it says then."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import cast

import pytest

from modelops.server import watchdog


class Loop:
    """An event loop that turns at some looks of the watchdog, and is closed in the end."""

    def __init__(self, *turns: bool) -> None:
        self.turns = list(turns)
        self.waiting: list[Callable[[], None]] = []

    def call_soon_threadsafe(self, callback: Callable[[], None]) -> None:
        if not self.turns:
            raise RuntimeError("Event loop is closed")
        self.waiting.append(callback)

    def turn(self) -> None:
        if self.turns and self.turns.pop(0):
            while self.waiting:
                self.waiting.pop()()


def watched(monkeypatch: pytest.MonkeyPatch, loop: Loop, pause_s: float = watchdog.LOOK_S) -> None:
    """Let the watchdog, patient for 2 s, look until the loop is closed; SystemExit for a hang."""
    now = 0.0

    def sleep(_seconds: float) -> None:
        nonlocal now
        now += pause_s
        loop.turn()

    def end(code: int) -> None:
        raise SystemExit(code)

    clock = SimpleNamespace(sleep=sleep, monotonic=lambda: now, time=lambda: now)
    monkeypatch.setattr("modelops.server.watchdog.time", clock)
    monkeypatch.setattr("modelops.server.watchdog.os", SimpleNamespace(_exit=end))
    hung = threading.get_ident()
    watchdog._watch(cast("asyncio.AbstractEventLoop", loop), 2.0, hung)


def test_a_loop_that_does_not_turn_ends_the_process_and_is_told_where(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(SystemExit, match="1"):
        watched(monkeypatch, Loop(True, False, False, False, False, False))
    (record,) = caplog.records
    assert record.levelno == logging.CRITICAL
    assert "nothing was answered for 2 s" in record.message
    assert "in watched" in record.message


def test_a_loop_that_is_slow_is_none_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    watched(monkeypatch, Loop(*[False, False, True] * 5))


def test_a_pause_of_the_process_is_no_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    watched(monkeypatch, Loop(*[False, True] * 5), pause_s=3600.0)
