"""A file is replaced whole, or stays as it was and somebody is told."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from modelops.resources.errors import ModelopsError
from modelops.secrets.atomic import replace_file


def test_a_disk_that_takes_no_more_leaves_the_file_and_nothing_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    path = tmp_path / "openai.yaml"
    path.write_text("before")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ModelopsError, match=r"openai\.yaml cannot be written: No space left"):
        replace_file(path, b"after")
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_gone_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelopsError, match="cannot be written: No such file or directory"):
        replace_file(tmp_path / "gone" / "server.key", b"x", mode=0o600)
