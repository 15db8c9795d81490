"""The configuration's digest: what changes it, and what does not."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from config_support import VALID, resolved, write

import modelops
from modelops import catalog
from modelops.config import digest
from modelops.config.digest import folder_digest


def test_the_digest_of_a_folder_is_that_of_its_configuration(tmp_path: Path) -> None:
    configuration = resolved(tmp_path, {})
    assert folder_digest(tmp_path) == configuration.config_digest


def test_what_the_state_follows_from_is_covered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, {})
    digests = [folder_digest(tmp_path), folder_digest(tmp_path, "staging")]
    write(tmp_path, {"agents.d/dev.yaml": "agent: dev # a comment\n"})
    digests.append(folder_digest(tmp_path))
    write(tmp_path, {"agents.d/more.yaml": "agent: more\n"})
    digests.append(folder_digest(tmp_path))
    monkeypatch.setattr(catalog, "digest", lambda: "another catalog")
    digests.append(folder_digest(tmp_path))
    monkeypatch.setattr(digest, "code_digest", lambda package: "another modelops")
    digests.append(folder_digest(tmp_path))
    assert None not in digests
    assert len(set(digests)) == 6


def test_other_rules_make_another_digest(tmp_path: Path) -> None:
    """A version with one more rule has to look at files that an older one took."""
    own = Path(modelops.__file__).parent
    for name in ("same", "other"):
        for room in ("catalog", "config", "resources"):
            left_out = shutil.ignore_patterns("data", "__pycache__")
            shutil.copytree(own / room, tmp_path / name / room, ignore=left_out)
    with (tmp_path / "other/config/checks/chains.py").open("a") as file:
        file.write("# one more rule\n")
    assert digest.code_digest(tmp_path / "same") == digest.code_digest(own)
    assert digest.code_digest(tmp_path / "other") != digest.code_digest(own)


def test_the_digest_does_not_depend_on_where_the_folder_is(tmp_path: Path) -> None:
    first, second = write(tmp_path / "a", {}), write(tmp_path / "b", dict(sorted(VALID.items())))
    (second / "notes.txt").write_text("not a part of it")
    assert folder_digest(first) == folder_digest(second)


def test_a_folder_with_an_unreadable_file_has_no_digest(tmp_path: Path) -> None:
    write(tmp_path, {})
    (tmp_path / "agents.d" / "gone.yaml").symlink_to("nowhere")
    assert folder_digest(tmp_path) is None
