"""What a segment does on systems that differ from the one this was written on."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from modelops.ledger.segment import SegmentName, create


def test_it_is_synced_where_the_system_has_only_fsync(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "fdatasync", raising=False)  # as on macOS
    segment = create(tmp_path, SegmentName("w", 1), 4096)
    segment.append(b"record")
    segment.sync()
    assert segment.synced
    segment.close()
