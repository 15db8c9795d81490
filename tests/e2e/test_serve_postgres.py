"""The whole road on Postgres: plan, apply, serve with two workers, report."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from server_process import eventually, modelops, serving, simulator, write_configuration


def test_a_store_on_postgres_is_planned_applied_served_and_reported(
    tmp_path: Path, new_database: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODELOPS_STORE", new_database())
    folder = tmp_path / "config"
    folder.mkdir()
    with simulator() as url:
        write_configuration(folder, url)
        assert modelops("plan", "-C", str(folder), "--detailed-exitcode").returncode == 2
        applied = modelops("apply", "-C", str(folder), "--yes")
        assert applied.returncode == 0, applied.stderr
        assert modelops("plan", "-C", str(folder), "--detailed-exitcode").returncode == 0
        with serving(folder) as server:
            for _ in range(5):
                assert server.ask()[0] == 200
            write_configuration(folder, url, note="two")
            assert modelops("apply", "-C", str(folder), "--yes").returncode == 0
            eventually(lambda: server.get("/readyz")[1]["revision"], 2)
            assert server.ask()[0] == 200
            assert server.stop() == 0
    report = modelops("usage", "-C", str(folder), "--by", "revision", "--format", "json")
    assert report.returncode == 0, report.stderr
    rows = {row["key"]["revision"]: row["requests"] for row in json.loads(report.stdout)["rows"]}
    assert rows == {"1": 5, "2": 1}
    assert not (folder / ".modelops" / "store.db").exists()
