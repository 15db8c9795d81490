from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import msgspec
import pytest
from row_samples import head

from modelops.config import load_configuration
from modelops.operations.test import (
    connection_reports,
    keep,
    last_reports,
    model_to_call,
    subject,
    subjects,
)
from modelops.operations.worker_report import WorkerReport
from modelops.probes.report import ModelCheck, Report
from modelops.resources.configuration import Configuration
from modelops.resources.errors import ModelopsError
from modelops.resources.state import models
from modelops.simulator.http import listening
from modelops.simulator.simulator import Simulator
from modelops.store.protocol import Instance, OperatedStore, ProbeResult, Snapshot

REPOSITORY = Path(__file__).parents[3]

SETTINGS = "config: t\n"
PROVIDER = """\
provider: {name}
protocol: openai
base_url: https://{name}.example/v1
auth: bearer
api_key: {{env: MODELOPS_SECRET_{upper}}}
enabled: {enabled}
models:
  - {{model: one, price: {{input: 1, output: 1}}}}
  - {{model: two, price: {{input: 1, output: 1}}, default: true}}
  - {{model: embed, type: embedding, price: {{input: 1}}}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "providers.d").mkdir()
    (tmp_path / "modelops.yaml").write_text(SETTINGS)
    for name, enabled in (("alpha", "true"), ("beta", "false")):
        text = PROVIDER.format(name=name, upper=name.upper(), enabled=enabled)
        (tmp_path / "providers.d" / f"{name}.yaml").write_text(text)
    return tmp_path


def test_every_enabled_provider_is_tested_by_default(folder: Path) -> None:
    found = subjects(load_configuration(folder), folder, (), {})
    assert [tested.provider.provider for tested in found] == ["alpha"]
    assert [model.model for model in found[0].models] == ["one", "two", "embed"]


def test_a_named_provider_is_tested_though_disabled(folder: Path) -> None:
    found = subjects(load_configuration(folder), folder, ("beta",), {})
    assert [tested.provider.provider for tested in found] == ["beta"]


def test_models_can_be_named(folder: Path) -> None:
    names = ("alpha/one", "alpha/embed")
    (found,) = subjects(load_configuration(folder), folder, names, {})
    assert [model.model for model in found.models] == ["one", "embed"]


def test_an_unknown_name_is_an_error_with_the_nearest(folder: Path) -> None:
    with pytest.raises(ModelopsError, match="'alpha/oen'") as raised:
        subjects(load_configuration(folder), folder, ("alpha/oen",), {})
    assert raised.value.hint.startswith("did you mean alpha/one")


def test_keys_are_opened_here_and_their_absence_is_a_finding(folder: Path) -> None:
    configuration = load_configuration(folder)
    environ = {"MODELOPS_SECRET_ALPHA": "sk-canary"}
    alpha, beta = subjects(configuration, folder, ("alpha", "beta"), environ)
    assert alpha.secret is not None
    assert alpha.secret.reveal() == "sk-canary"
    assert beta.secret is None
    assert beta.key_fault == "the variable MODELOPS_SECRET_BETA is not set"
    assert "canary" not in repr((alpha, beta))


def test_the_default_model_is_called_else_the_first_that_chats(folder: Path) -> None:
    (found,) = subjects(load_configuration(folder), folder, (), {})
    called = model_to_call(found.models)
    assert called is not None
    assert called.model == "two"
    rest = [model for model in reversed(found.models) if not model.default]
    chosen = model_to_call(rest)
    assert chosen is not None
    assert chosen.model == "one"
    assert model_to_call(()) is None


class FakeStore:
    """A store that holds one state, and keeps reports."""

    def __init__(self, configuration: Configuration, environment: str = "") -> None:
        self.head = head(config=configuration.config, environment=environment)
        self.state = dict(configuration.state)
        self.kept: dict[str, ProbeResult] = {}
        self.workers: list[Instance] = []

    async def snapshot(self, revision: int | None = None) -> Snapshot:
        return Snapshot(head=self.head, state=self.state)

    async def instances(self) -> Sequence[Instance]:
        return self.workers

    async def put_probe_result(self, result: ProbeResult) -> None:
        self.kept[result.provider] = result

    async def probe_results(self) -> Sequence[ProbeResult]:
        return list(self.kept.values())


def _report(provider: str, models: int = 3) -> Report:
    check = ModelCheck(model="m", upstream_model="m", offer="unknown")
    return Report(
        provider=provider,
        origin="",
        status="connected",
        started_at_us=5,
        steps=(),
        models=(check,) * models,
    )


async def test_reports_on_what_the_store_holds_are_kept(folder: Path) -> None:
    configuration = load_configuration(folder)
    store = FakeStore(configuration)
    reports = [_report("alpha"), _report("beta", models=1)]
    assert await keep(cast("OperatedStore", store), configuration, reports) == 1
    assert await last_reports(cast("OperatedStore", store)) == {"alpha": reports[0]}


async def test_reports_on_anything_else_are_not_kept(folder: Path) -> None:
    configuration = load_configuration(folder)
    elsewhere = FakeStore(configuration, environment="production")
    assert await keep(cast("OperatedStore", elsewhere), configuration, [_report("alpha")]) == 0
    changed = FakeStore(configuration)
    changed.state["provider/alpha"] = changed.state["provider/beta"]
    assert await keep(cast("OperatedStore", changed), configuration, [_report("alpha")]) == 0


@pytest.mark.parametrize("simulated", [False, True])
async def test_a_simulated_store_keeps_nothing_of_real_providers(
    simulated: bool, folder: Path
) -> None:
    configuration = load_configuration(folder)
    store = FakeStore(configuration)
    store.workers = [_worker(simulated), _worker(not simulated)]  # the one seen last comes first
    if not simulated:
        assert await keep(cast("OperatedStore", store), configuration, [_report("alpha")]) == 1
        return
    with pytest.raises(ModelopsError, match="last server of this store had a simulator"):
        await keep(cast("OperatedStore", store), configuration, [_report("alpha")])
    assert not store.kept


def _worker(simulated: bool) -> Instance:
    report = msgspec.json.encode(WorkerReport(simulated=simulated)).decode()
    return Instance(
        instance="1-1",
        host="h",
        pid=1,
        revision=1,
        error="",
        started_at_us=1,
        seen_at_us=2,
        report=report,
    )


async def test_this_repositorys_providers_connect_when_simulated() -> None:
    state = load_configuration(REPOSITORY).state
    names = [
        "anthropic",
        "openai",
        "google",
        "ollama",
        "deepseek",
        "qwen",
        "glm",
        "openrouter",
        "aihubmix",
    ]
    simulator = Simulator()
    for name in names:
        offered = [each.upstream_model for each in models(state).values() if each.provider == name]
        simulator.world.offer(name, offered)
    async with listening(simulator) as url:
        tested = [subject(state, name, None, simulator_url=url) for name in names]
        reports = await connection_reports(tested, call=False, now_us=lambda: 0)
    assert {report.provider: report.status for report in reports} == dict.fromkeys(
        names, "connected"
    )
    assert {check.offer for report in reports for check in report.models} == {"offered"}
