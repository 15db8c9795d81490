"""The whole road on Postgres: plan, apply, serve, report; and a database that goes and comes."""

from __future__ import annotations

import asyncio
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


def test_serving_goes_on_while_the_database_is_gone(
    tmp_path: Path,
    postgres_uri: str,
    new_database: Callable[[], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url = new_database()
    name = url.partition("?")[0].rpartition("/")[2]
    monkeypatch.setenv("MODELOPS_STORE", url)
    with simulator() as simulator_url:
        write_configuration(tmp_path, simulator_url)
        assert modelops("apply", "-C", str(tmp_path), "--yes").returncode == 0
        with serving(tmp_path, "--workers", "2") as server:
            assert server.ask()[0] == 200
            assert server.get("/readyz")[1]["status"] == "ready"
            disconnect = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1"
            asyncio.run(run_sql(postgres_uri, f"ALTER DATABASE {name} ALLOW_CONNECTIONS false"))
            asyncio.run(run_sql(postgres_uri, disconnect, name))
            eventually(lambda: server.get("/readyz")[1]["status"], "degraded")
            for _ in range(4):
                assert server.ask()[0] == 200
            status, said = server.get("/api/status")
            assert (status, said["revision"]) == (200, 1)
            assert said["store"] != "ok"
            asyncio.run(run_sql(postgres_uri, f"ALTER DATABASE {name} ALLOW_CONNECTIONS true"))
            eventually(lambda: server.get("/readyz")[1]["status"], "ready")
            write_configuration(tmp_path, simulator_url, note="two")
            applied = modelops("apply", "-C", str(tmp_path), "--yes", "--wait")
            assert "live on 2 of 2 workers" in applied.stderr
            eventually(lambda: server.get("/api/usage")[1]["totals"]["requests"], 5)
            assert server.stop() == 0
        assert "Traceback" not in server.errors.read_text()


async def run_sql(uri: str, statement: str, *values: str) -> None:
    asyncpg = pytest.importorskip("asyncpg")
    connection = await asyncpg.connect(uri)
    await connection.execute(statement, *values)
    await connection.close()
