"""Connection tests against the simulator, and one real request through each official SDK."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from resource_samples import model, provider

from modelops.operations.test import Subject, connection_reports
from modelops.probes import calling, sdk_call
from modelops.probes.report import Report
from modelops.resources.resolved import Protocol
from modelops.secrets.secret import Secret
from modelops.simulator.http import listening
from modelops.simulator.simulator import Simulator

KEY = "sk-canary-4711"


@pytest.fixture
def simulator() -> Simulator:
    return Simulator()


@pytest.fixture
async def url(simulator: Simulator) -> AsyncIterator[str]:
    async with listening(simulator) as address:
        yield address


def _subject(
    url: str,
    name: str,
    protocol: Protocol,
    path: str,
    auth: str,
    *,
    key: str = KEY,
    preset: str = "",
    **changes: Any,
) -> Subject:
    spoken_to = provider(
        name,
        preset=preset,
        protocol=protocol,
        base_url=f"{url}/{name}{path}",
        auth=auth,
        api_key="env:MODELOPS_SECRET_X",
        key_test="one_token",
        key_url="https://keys.example",
    )
    fields: dict[str, Any] = {"capabilities": ("tools",), "default": True} | changes
    return Subject(provider=spoken_to, models=(model(f"{name}/m-1", **fields),), secret=Secret(key))


def _call(report: Report) -> str:
    (step,) = [step for step in report.steps if step.step == "call"]
    return step.diagnosis.code if step.diagnosis else step.detail


async def test_each_protocol_is_called_through_its_sdk(url: str) -> None:
    subjects = [
        _subject(url, "openai", "openai", "/v1", "bearer"),
        _subject(url, "custom", "openai", "/v1", "api-key"),
        _subject(url, "google", "gemini", "/v1beta", "x-goog-api-key"),
        _subject(url, "ollama", "ollama", "", "none"),
        _subject(url, "embedder", "openai", "/v1", "bearer", type="embedding"),
    ]
    for subject in subjects:  # in this process, whose other tests have imported the SDKs anyway
        order = calling.order(subject.provider, subject.models[0], subject.secret)
        outcome = await asyncio.to_thread(sdk_call.carry_out, order)
        assert outcome.kind == "answered", (subject.provider.provider, outcome)
        assert outcome.input_tokens != 0


async def test_a_call_is_made_in_a_process_of_its_own(url: str) -> None:
    subjects = [
        _subject(url, "anthropic", "anthropic", "", "x-api-key"),
        # Azure's list says nothing of keys, so a bad one is met by the request alone.
        _subject(url, "azure", "openai", "/v1", "bearer", key="bad-key-4711", preset="azure"),
    ]
    good, rejected = await connection_reports(subjects, call=True, now_us=lambda: 7)
    assert good.status == "connected" or good.models[0].offer == "missing"
    assert good.models[0].called == "passed"
    assert _call(good).startswith("m-1 answered, ")
    assert _call(rejected) == "key_rejected"
    assert rejected.models[0].called == "failed"
    assert {good.started_at_us, rejected.started_at_us} == {7}
    assert "4711" not in repr((good, rejected))


def _tokens(simulator: Simulator) -> list[int]:
    return [total.input for total in simulator.ledger.totals.values()]


async def test_free_tests_ask_for_nothing_that_costs(url: str, simulator: Simulator) -> None:
    subjects = [
        _subject(url, "openai", "openai", "/v1", "bearer"),
        _subject(url, "anthropic", "anthropic", "", "x-api-key"),
        _subject(url, "google", "gemini", "/v1beta", "x-goog-api-key"),
        _subject(url, "ollama", "ollama", "", "none"),
    ]
    told: list[str] = []
    reports = await connection_reports(
        subjects, call=False, now_us=lambda: 0, done=lambda report: told.append(report.provider)
    )
    assert sorted(told) == ["anthropic", "google", "ollama", "openai"]
    for report in reports:
        steps = {step.step: step.status for step in report.steps}
        assert steps["models"] in ("passed", "failed"), report  # answered, whatever it lists
        assert steps["call"] == "skipped"
    assert all(tokens == 0 for tokens in _tokens(simulator))
