"""Workers that end where no other can be started, and the signals that end all."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from modelops.server import supervisor
from modelops.server.settings import ServerSettings
from modelops.server.signals import stop_signals
from modelops.server.supervisor import Stop, Worker


def test_where_no_worker_can_be_started_it_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    settings = ServerSettings(store_url="sqlite:////nowhere/store.db", state_directory="/nowhere")
    monkeypatch.setattr(supervisor, "RESTART_S", 0.0)
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\nexec <&-\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    first = _ended(supervisor._start(settings, []))
    program.rename(tmp_path / "away")
    for _ in range(2):
        assert supervisor._keep(first, settings, []) is first
    assert caplog.text.count("no worker can be started") == 1
    (tmp_path / "away").rename(program)
    second = _ended(supervisor._keep(first, settings, []))
    assert second is not first
    supervisor._close_pipes(second)


def test_a_worker_that_ends_before_it_read_its_settings_is_only_one_that_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = subprocess.Popen

    def ended(*arguments: object, **options: object) -> subprocess.Popen[bytes]:
        process: subprocess.Popen[bytes] = real(*arguments, **options)  # type: ignore[call-overload]
        process.wait()
        return process

    monkeypatch.setattr(subprocess, "Popen", ended)
    monkeypatch.setattr(sys, "executable", "/bin/true")
    settings = ServerSettings(store_url="sqlite:////nowhere/store.db", state_directory="/nowhere")
    worker = supervisor._start(settings, [])
    assert worker.process.returncode == 0
    supervisor._close_pipes(worker)


def test_a_terminal_that_closes_asks_to_stop_once_however_often_it_says_so() -> None:
    stop = Stop()
    for number, signals in (("SIGHUP", 1), ("SIGHUP", 1), ("SIGINT", 2)):
        stop(signal.Signals[number], None)
        assert stop.signals == signals


def test_who_ignores_the_end_of_the_terminal_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    assert signal.SIGHUP in stop_signals()
    monkeypatch.setattr(signal, "getsignal", lambda _number: signal.SIG_IGN)
    assert stop_signals() == (signal.SIGINT, signal.SIGTERM)


def _ended(worker: Worker) -> Worker:
    worker.process.wait()
    return worker
