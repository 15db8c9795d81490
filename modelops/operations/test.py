"""Test connections: which providers, with which keys, all at once.

`subjects` takes them from a folder, with whatever keys open here; `subject` takes one from the
revision a server runs. `connection_reports` is the same for both.
"""

from __future__ import annotations

import asyncio
import difflib
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec
from msgspec.structs import replace

from modelops.operations.worker_report import WorkerReport
from modelops.probes.probe import probe, trusted
from modelops.probes.report import Report
from modelops.resources import state as states
from modelops.resources.addresses import address
from modelops.resources.configuration import Configuration, SecretSource
from modelops.resources.errors import ModelopsError
from modelops.resources.resolved import Model, Provider
from modelops.resources.state import State
from modelops.secrets.errors import SecretError
from modelops.secrets.opening import open_sources
from modelops.secrets.references import open_reference
from modelops.secrets.secret import Secret
from modelops.store.protocol import OperatedStore, OperationsStore, ProbeResult

AT_ONCE = 16
"""Most providers tested at the same time."""

CALLS_AT_ONCE = 2
"""The same with --call: each is a process that imports an SDK for seconds."""


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """One provider to test: its models, its key or why there is none."""

    provider: Provider
    models: tuple[Model, ...]
    secret: Secret | None
    key_fault: str = ""


def subjects(
    configuration: Configuration, folder: Path, names: Sequence[str], environ: Mapping[str, str]
) -> tuple[Subject, ...]:
    """Return what to test: `provider`s and `provider/model`s, every enabled provider by default.

    A key that does not open here is a finding of its provider's test, not an error.
    """
    state = configuration.state
    providers, models = states.providers(state), states.models(state)
    wanted = _wanted(names, providers, models)
    sources = {source.address: source for source in configuration.secrets}
    made = []
    for name, chosen in wanted.items():
        provider = providers[name]
        secret, fault = _key(provider, sources.get(provider.address), folder, environ)
        of_provider = _models_of(state, name)
        made.append(
            Subject(
                provider=provider,
                models=tuple(m for m in of_provider if m.name in chosen) if chosen else of_provider,
                secret=secret,
                key_fault=fault,
            )
        )
    return tuple(made)


def subject(
    state: State, name: str, secret: Secret | None, *, key_fault: str = "", simulator_url: str = ""
) -> Subject:
    """Return one provider of a revision as a subject: what a running server tests.

    With `simulator_url` the simulator is tested in its place, with a key that means nothing.
    """
    provider = states.providers(state)[name]
    if simulator_url:
        provider = replace(provider, base_url=f"{simulator_url}/{name}")
        secret = None if provider.auth == "none" else Secret("simulated")
    return Subject(
        provider=provider,
        models=_models_of(state, name),
        secret=secret,
        key_fault=key_fault,
    )


async def connection_reports(
    tested: Sequence[Subject],
    *,
    call: bool,
    now_us: Callable[[], int],
    done: Callable[[Report], None] = lambda _: None,
    timer: Callable[[], float] = time.perf_counter,
) -> tuple[Report, ...]:
    """Test all of them at once and return their reports in the same order.

    `call` makes one small real request to each. `done` is told of each report as it comes.
    """
    tls = await trusted()
    places = asyncio.Semaphore(CALLS_AT_ONCE if call else AT_ONCE)

    async def one(each: Subject) -> Report:
        async with places:
            report = await probe(
                each.provider,
                each.models,
                each.secret,
                key_fault=each.key_fault,
                call=model_to_call(each.models) if call else None,
                started_at_us=now_us(),
                tls=tls,
                timer=timer,
            )
        done(report)
        return report

    return tuple(await asyncio.gather(*(one(each) for each in tested)))


def model_to_call(models: Sequence[Model]) -> Model | None:
    """Return the model one real request goes to: the default, else the first that chats."""
    by_fitness = sorted(models, key=lambda model: (not model.default, model.type != "chat"))
    return by_fitness[0] if by_fitness else None


async def keep(
    store: OperatedStore, configuration: Configuration, reports: Sequence[Report]
) -> int:
    """Keep reports on whole providers that the store holds as tested; return how many.

    A store of another configuration or environment, or one that does not exist, keeps none.
    ModelopsError when a simulator stood behind the providers of the store's last server: the next
    one's status would tell what the real ones said.
    """
    snapshot = await store.snapshot()
    owner = (snapshot.head.config, snapshot.head.environment)
    if owner != (configuration.config, configuration.environment):
        return 0
    if await _simulated(store):
        raise ModelopsError(
            "they are of the real providers, "
            "and the last server of this store had a simulator behind it"
        )
    kept = 0
    for report in reports:
        name = address("provider", report.provider)
        held = snapshot.state.get(name)
        whole = len(report.models) == len(_models_of(snapshot.state, report.provider))
        if whole and held is not None and held == configuration.state.get(name):
            await store_report(store, report)
            kept += 1
    return kept


async def _simulated(store: OperationsStore) -> bool:
    """Return whether the worker that was seen last serves from a simulator."""
    newest = next(iter(await store.instances()), None)
    return newest is not None and msgspec.json.decode(newest.report, type=WorkerReport).simulated


async def store_report(store: OperationsStore, report: Report) -> None:
    """Keep a report as its provider's last."""
    await store.put_probe_result(
        ProbeResult(
            provider=report.provider,
            status=report.status,
            tested_at_us=report.started_at_us,
            report=msgspec.json.encode(report).decode(),
        )
    )


async def last_reports(store: OperationsStore) -> dict[str, Report]:
    """Return the last report of every provider that was ever tested."""
    rows = await store.probe_results()
    return {row.provider: msgspec.json.decode(row.report, type=Report) for row in rows}


def _models_of(state: State, provider: str) -> tuple[Model, ...]:
    return tuple(model for model in states.models(state).values() if model.provider == provider)


def _wanted(
    names: Sequence[str], providers: Mapping[str, Provider], models: Mapping[str, Model]
) -> dict[str, set[str]]:
    """Return the chosen models by provider; none chosen means all of them."""
    if not names:
        return {name: set() for name, provider in providers.items() if provider.enabled}
    wanted: dict[str, set[str]] = {}
    for name in names:
        if name in providers:
            wanted[name] = set()
        elif name in models:
            wanted.setdefault(models[name].provider, set()).add(name)
        else:
            near = difflib.get_close_matches(name, [*providers, *models], n=3)
            raise ModelopsError(
                f"no provider or provider/model {name!r} is declared",
                f"did you mean {' or '.join(near)}?" if near else "modelops validate counts them",
            )
    return wanted


def _key(
    provider: Provider, source: SecretSource | None, folder: Path, environ: Mapping[str, str]
) -> tuple[Secret | None, str]:
    """Return a provider's key, or None and why."""
    if source is None:
        return None, ""
    try:
        if source.kind == "sops":
            return open_sources(folder, [source], environ)[source.address, source.field], ""
        return open_reference(provider.api_key, environ), ""
    except SecretError as error:
        return None, error.message
