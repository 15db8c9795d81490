"""How a segment is made beside workers that sweep, and synced on systems that differ."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pytest

from modelops.ledger.segment import SegmentName, create, named, sweep


def test_it_is_synced_where_the_system_has_only_fsync(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "fdatasync", raising=False)  # as on macOS
    segment = create(tmp_path, SegmentName("w", 1), 4096)
    segment.append(b"record")
    segment.sync()
    assert segment.synced
    segment.close()


def test_one_that_is_swept_before_it_is_locked_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = fcntl.flock

    def late(descriptor: int, operation: int) -> None:
        monkeypatch.setattr(fcntl, "flock", lock)
        sweep(tmp_path)  # as another worker does meanwhile
        lock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", late)
    segment = create(tmp_path, SegmentName("w", 1), 4096)
    assert segment.append(b"record")
    assert named(tmp_path) == [SegmentName("w", 1)]
    segment.close()
