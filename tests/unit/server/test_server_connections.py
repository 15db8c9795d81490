"""Connection tests and discovery over `/api`, against the simulator in the providers' place."""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from memory_store import MemoryStore
from server_support import ask, make_runtime, model, provider, serving, state

from modelops.operations.dump import provider_file
from modelops.resources import state as states
from modelops.simulator.http import listening
from modelops.simulator.simulator import Simulator

DECLARED = state(
    provider("acme", auth="bearer", api_key="env:MODELOPS_SECRET_ACME"),
    model("acme/m-1"),
)


@pytest.fixture
def simulator() -> Simulator:
    return Simulator()


@pytest.fixture
async def port(simulator: Simulator) -> AsyncIterator[int]:
    async with listening(simulator) as url:
        runtime = make_runtime(MemoryStore(DECLARED), simulator_url=url)
        async with serving(runtime) as own:
            assert simulator.world.models("acme") == ("m-1",)
            yield own


async def test_a_test_is_answered_kept_and_shown(port: int) -> None:
    before = (await ask(port, "/api/providers/acme", method="GET")).json()
    assert before["provider"]["connection"] == "untested"
    assert before["tested"] is None
    report = (await ask(port, "/api/providers/acme/test")).json()
    assert report["status"] == "connected"
    after = (await ask(port, "/api/providers/acme", method="GET")).json()
    assert after["tested"] == report
    assert after["provider"]["connection"] == "connected"
    assert after["provider"]["tested_at_us"] == report["started_at_us"]
    listed = (await ask(port, "/api/providers", method="GET")).json()["items"]
    shown = {item["provider"]: (item["connection"], item["health"]) for item in listed}
    assert shown["acme"] == ("connected", "idle")


async def test_nothing_in_a_request_says_where_to_go(port: int) -> None:
    path = "/api/providers/acme/test?base_url=http://10.0.0.1&url=http://10.0.0.1"
    report = (await ask(port, path, body=b'{"base_url": "http://10.0.0.1"}')).json()
    assert report["status"] == "connected"
    assert report["origin"].startswith("http://127.0.0.1:")


async def test_only_declared_providers_are_asked(port: int) -> None:
    for path in ("/api/providers/nobody/test", "/api/providers/nobody/discover"):
        assert (await ask(port, path)).status == 404


async def test_a_simulator_offers_what_is_declared(port: int) -> None:
    report = (await ask(port, "/api/providers/acme/test")).json()
    assert [(check["model"], check["offer"]) for check in report["models"]] == [("m-1", "offered")]
    answer = (await ask(port, "/api/providers/acme/discover")).json()
    found = answer["found"]
    assert found["new"] == found["gone"] == found["changed"] == []
    assert answer["yaml"] == answer["patch"] == ""


async def test_discovery_comes_with_what_declares_it(
    port: int, simulator: Simulator, tmp_path: Path
) -> None:
    simulator.world.offer("acme", ["m-1", "vendor/new"])
    found = (await ask(port, "/api/providers/acme/discover")).json()
    assert [offer["model"] for offer in found["found"]["new"]] == ["vendor/new"]
    assert found["yaml"] == "models:\n  - model: vendor/new\n"
    provider = states.providers(DECLARED)["acme"]
    models = [model for model in states.models(DECLARED).values() if model.provider == "acme"]
    name, text = provider_file(provider, models)
    (tmp_path / name).parent.mkdir()
    (tmp_path / name).write_text(text)
    git = ["git", "-C", str(tmp_path), "apply", "-"]
    subprocess.run(git, input=found["patch"].encode(), check=True)
    assert (tmp_path / name).read_text() == f"{text}  - model: vendor/new\n"


async def test_what_cannot_be_asked_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MODELOPS_SECRET_ACME", raising=False)
    async with serving(make_runtime(MemoryStore(DECLARED))) as port:
        report = (await ask(port, "/api/providers/acme/test")).json()
        refused = await ask(port, "/api/providers/acme/discover")
    assert report["status"] == "disconnected"  # api.acme.example is no host
    assert refused.status >= 400
    assert "MODELOPS_SECRET_ACME is not set" in refused.json()["detail"]


async def test_while_the_store_is_away_providers_are_shown_untested() -> None:
    store = MemoryStore(DECLARED)
    async with serving(make_runtime(store)) as port:
        store.away = "gone"
        answer = await ask(port, "/api/providers", method="GET")
    assert answer.status == 200
    assert {item["connection"] for item in answer.json()["items"]} == {"untested"}
