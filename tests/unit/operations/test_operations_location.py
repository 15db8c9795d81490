"""Where the store is, and what lies beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelops.operations.location import state_directory, store_url
from modelops.resources.errors import ModelopsError


def test_the_default_is_beside_the_configuration_wherever_one_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config").mkdir()
    expected = f"sqlite:///{tmp_path}/config/.modelops/store.db"
    assert store_url("", Path("config")) == store_url("", tmp_path / "config") == expected


def test_a_given_url_stays_as_it_is(tmp_path: Path) -> None:
    assert store_url("postgresql://db/x", tmp_path) == "postgresql://db/x"


def test_a_folder_that_is_not_there_has_no_store(tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    with pytest.raises(ModelopsError, match="there is no folder"):
        store_url("", missing)
    assert store_url("sqlite:////x.db", missing) == "sqlite:////x.db"


def test_only_a_local_store_has_its_server_beside_it(tmp_path: Path) -> None:
    assert state_directory("sqlite:////x.db", tmp_path) == tmp_path / ".modelops"
    assert state_directory("postgresql://db/x", tmp_path) is None
