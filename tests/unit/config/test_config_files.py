"""Which files are read, in which order, and what happens to those that cannot be."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from config_support import found, look, write

from modelops.config import files
from modelops.resources.errors import ModelopsError


def paths(folder: Path) -> list[str]:
    sources, problems = files.read(folder)
    assert problems == []
    return [source.path for source in sources]


def test_files_come_in_the_order_of_their_paths(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "providers.d/eu/beta.yml": "provider: beta\n",
            "providers.d/b.yaml": "provider: b\n",
            "providers.d/.hidden.yaml": "x\n",
            "providers.d/..data/x.yaml": "x\n",
            "providers.d/notes.txt": "x\n",
            "other.yaml": "x\n",
            "elsewhere/x.yaml": "x\n",
            ".sops.yaml": "x\n",
        },
    )
    assert paths(tmp_path) == [
        "modelops.yaml",
        "providers.d/alpha.yaml",
        "providers.d/b.yaml",
        "providers.d/eu/beta.yml",
        "chains.d/main.yaml",
        "agents.d/dev.yaml",
    ]


def test_a_folder_reached_by_a_link_is_read(tmp_path: Path) -> None:
    write(tmp_path / "real", {})
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert len(paths(tmp_path / "link")) == 4


def test_a_mounted_config_map_is_read(tmp_path: Path) -> None:
    """Kubernetes mounts every file as a link through `..data`, inside the folder."""
    write(tmp_path, {"providers.d/alpha.yaml": None})
    data = tmp_path / "providers.d" / "..2026"
    data.mkdir(parents=True)
    (data / "alpha.yaml").write_text("provider: alpha\n")
    (tmp_path / "providers.d" / "..data").symlink_to("..2026")
    (tmp_path / "providers.d" / "alpha.yaml").symlink_to("..data/alpha.yaml")
    assert "providers.d/alpha.yaml" in paths(tmp_path)


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ModelopsError, match="there is no folder"):
        files.read(tmp_path / "nowhere")


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ModelopsError, match="is not a folder"):
        files.read(tmp_path / "file")


def test_an_empty_folder_holds_no_configuration(tmp_path: Path) -> None:
    (tmp_path / "unrelated.yaml").write_text("a: 1\n")
    with pytest.raises(ModelopsError, match="holds no configuration") as caught:
        files.read(tmp_path)
    assert "-C" in caught.value.hint


def test_a_folder_without_settings_is_reported_with_all_else(tmp_path: Path) -> None:
    files_ = {"modelops.yaml": None, "agents.d/dev.yaml": "agent: [\n"}
    assert found(tmp_path, files_) == [
        "yaml-syntax agents.d/dev.yaml:2:1",
        "settings-missing modelops.yaml:1:1",
    ]


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret.yaml").write_text("provider: x\nbase_url: secret\n")
    folder = write(tmp_path / "config", {})
    (folder / "providers.d" / "x.yaml").symlink_to(tmp_path / "secret.yaml")
    (folder / "agents.d" / "gone.yaml").symlink_to(tmp_path / "nothing.yaml")
    (folder / "agents.d" / "loop.yaml").symlink_to("loop.yaml")
    (folder / "chains.d" / "more").symlink_to(tmp_path, target_is_directory=True)
    assert found(folder, {}) == [
        "unreadable-file agents.d/gone.yaml:1:1",
        "unreadable-file agents.d/loop.yaml:1:1",
        "symlink chains.d/more:1:1",
        "symlink providers.d/x.yaml:1:1",
    ]


def test_a_file_without_permission_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> bytes:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    write(tmp_path, {})
    monkeypatch.setattr(Path, "read_bytes", refuse)
    _, problems = files.read(tmp_path)
    assert str(problems[0]) == "modelops.yaml:1:1: the file cannot be read: Permission denied"
    assert {problem.rule for problem in problems} == {"unreadable-file"}


def test_a_pipe_is_not_opened(tmp_path: Path) -> None:
    write(tmp_path, {})
    os.mkfifo(tmp_path / "providers.d" / "pipe.yaml")
    assert found(tmp_path, {}) == ["unreadable-file providers.d/pipe.yaml:1:1"]


def test_a_large_file_is_not_read(tmp_path: Path) -> None:
    assert found(tmp_path, {"agents.d/big.yaml": "#" * (5 << 20)}) == [
        "file-too-large agents.d/big.yaml:1:1"
    ]


def test_a_name_with_control_characters_is_refused_and_shown_escaped(tmp_path: Path) -> None:
    assert found(tmp_path, {"agents.d/a\nb.yaml": "agent: ab\n"}) == [
        "control-character agents.d/a\\nb.yaml:1:1"
    ]


def test_references_into_an_unreadable_file_are_not_reported_too(tmp_path: Path) -> None:
    write(tmp_path, {"providers.d/alpha.yaml": None})
    (tmp_path / "providers.d").mkdir()
    (tmp_path / "providers.d" / "alpha.yaml").symlink_to("missing.yaml")
    rules = [item.rule for item in look(tmp_path, {"providers.d/alpha.yaml": None}).diagnostics]
    assert rules == ["unreadable-file"]
