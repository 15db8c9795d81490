"""Each preset's connection test against the simulator: what a failure is called, what to do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from modelops.catalog.presets import PRESETS
from modelops.config import load_configuration
from modelops.operations.test import Subject, connection_reports, subject
from modelops.probes import calling, sdk_call
from modelops.probes.calling import Order, Outcome
from modelops.probes.report import Diagnosis, failed_step
from modelops.simulator import faults
from modelops.simulator.http import listening
from modelops.simulator.simulator import Simulator

BASE_URLS = {"azure": "base_url: https://acme.openai.azure.example/openai/v1\n"}

REGIONS: dict[str, dict[str, Any]] = {
    "gemini": {"status": 400, "message": "User location is not supported for the API use."},
    "anthropic": {"status": 403, "code": "unsupported_country_region_territory"},
    "openai": {"status": 403},  # this is what the simulator's 403 says
    "ollama": {"status": 403, "message": "this country is not supported"},
}
"""How each protocol refuses a region."""


@pytest.fixture
def simulator() -> Simulator:
    return Simulator()


@pytest.fixture
async def url(simulator: Simulator) -> AsyncIterator[str]:
    async with listening(simulator) as address:
        yield address


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the one real request here: other tests have paid for importing the SDKs."""

    async def child(order: Order) -> Outcome:
        return await asyncio.to_thread(sdk_call.carry_out, order)

    monkeypatch.setattr(calling, "_child", child)


def declared(folder: Path, preset: str, url: str) -> Subject:
    """Return a provider that is declared by its preset and one model, behind the simulator."""
    (folder / "providers.d").mkdir()
    (folder / "modelops.yaml").write_text("config: acme\n")
    (folder / f"providers.d/{preset}.yaml").write_text(
        f"provider: {preset}\n{BASE_URLS.get(preset, '')}"
        + ("" if PRESETS[preset].auth == "none" else "api_key: {env: MODELOPS_SECRET_X}\n")
        + "models:\n  - model: large-2\n"
    )
    return subject(load_configuration(folder).state, preset, None, simulator_url=url)


async def diagnosis(tested: Subject) -> Diagnosis | None:
    """Test as `modelops test --call` does where nothing less tells about the key."""
    asks = tested.provider.key_test == "one_token"
    (report,) = await connection_reports([tested], call=asks, now_us=lambda: 0)
    step = failed_step(report)
    return step.diagnosis if step else None


async def test_a_good_key_and_an_offered_model(
    tmp_path: Path, simulator: Simulator, url: str
) -> None:
    for preset in PRESETS:
        folder = tmp_path / preset
        folder.mkdir()
        simulator.world.offer(preset, ["large-2"])
        assert await diagnosis(declared(folder, preset, url)) is None, preset


@pytest.mark.parametrize("preset", PRESETS)
async def test_failures_are_told_apart(
    preset: str, tmp_path: Path, simulator: Simulator, url: str
) -> None:
    tested = declared(tmp_path, preset, url)
    provider = tested.provider
    keyless = provider.auth == "none"
    simulator.world.offer(preset, ["large-2"])
    for wrong, code in (
        ({"status": 401}, "key_wanted" if keyless else "key_rejected"),
        ({"status": 402}, "no_credit"),
        (REGIONS[provider.protocol], "region_refused"),
    ):
        simulator.faults.add(faults.read({"provider": preset, **wrong}))
        found = await diagnosis(tested)
        assert found is not None
        assert found.code == code
        assert found.hint
        if provider.key_url and code != "region_refused":
            assert provider.key_url in found.hint
        simulator.faults.clear()


@pytest.mark.parametrize("preset", PRESETS)
async def test_a_model_that_is_not_offered(
    preset: str, tmp_path: Path, simulator: Simulator, url: str
) -> None:
    tested = declared(tmp_path, preset, url)
    simulator.world.offer(preset, ["large-1", "tiny"])
    found = await diagnosis(tested)
    assert found is not None
    assert found.message == (
        "large-2 is not on this machine"
        if tested.provider.protocol == "ollama"
        else "large-2 is not offered"
    )
    if preset == "ollama":
        assert found.hint == "ollama pull large-2"
    elif preset != "azure":  # it lists no deployments, so there is nothing to guess from
        assert found.hint == "did you mean large-1?"
