"""Status: what is live where, and what is broken, written for someone woken at three.

Workers say of themselves every two seconds in the store (`Instance`); the part only they know is a
`WorkerReport` in JSON. Whoever asks, a command or any worker, adds the rows up here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Literal, Protocol

import msgspec

from modelops.operations.test import last_reports
from modelops.operations.undo import lost, undo
from modelops.operations.worker_report import (
    TARGET_STATES,
    TargetReport,
    TargetState,
    WorkerReport,
)
from modelops.probes.report import Report, failed_step
from modelops.probes.report import Status as Connection
from modelops.resources.resolved import Provider
from modelops.resources.state import providers
from modelops.store.protocol import Head, Instance, OperatedStore, Revision
from modelops.store.remote import RemoteStore

ALIVE_S = 10.0
"""A worker that has said nothing for this long is gone: five of its heartbeats."""

ProviderState = Literal[
    "ok", "idle", "failing", "cooling", "half_open", "open", "error", "disabled"
]


class Workers(Protocol):
    """Where workers' rows are read."""

    async def instances(self) -> Sequence[Instance]:
        """Return every worker's row, the one seen last first."""
        ...


class WorkerStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One worker. `error` says why it does not serve the head, '' when it does."""

    instance: str
    host: str
    pid: int
    started_at: str
    seen_at: str
    revision: int
    live: bool
    error: str


class ProviderStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One provider over all workers: calls and failures of the last five minutes.

    `state` is that of its worst target; `error` when no worker can use it at all, `failing` when it
    is called as ever but half of it fails, `idle` when nothing was asked of it. `next_try_s` is the
    wait until it is called again, 0 when it is. `connection` is what its last connection test
    found, at `tested_at`, and `test_error` why it did not find it connected.
    """

    provider: str
    state: ProviderState
    calls: int
    failures: int
    next_try_s: float
    last_error: str
    last_error_at: str
    connection: Connection
    tested_at: str
    test_error: str
    targets: tuple[TargetReport, ...]


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """Everything at one glance. Times are RFC 3339 in UTC, '' where there is none.

    `store` is `ok` or why it does not answer; what comes from it is then as last seen. `heard_at`
    is when any worker last said something and did not end, `silent_s` ago. `lost` counts rows of
    workers that have ended, too. `clock_error` says how a worker's clock was set in the last hour.
    `undo` is what takes back the last change, a command where one does, '' when nothing is advised.
    """

    config: str
    environment: str
    revision: int
    git_commit: str
    message: str
    applied_at: str
    applied_by: str
    age_s: float
    live: int
    workers: tuple[WorkerStatus, ...]
    heard_at: str
    silent_s: float = 0.0
    providers: tuple[ProviderStatus, ...]
    store: str
    waiting: int
    collapsed: int
    lost: int
    books_error: str
    clock_error: str = ""
    simulated: bool
    undo: str


async def status(
    store: OperatedStore | RemoteStore,
    now_us: int,
    *,
    asked: Instance | None = None,
    store_error: str = "",
) -> Status:
    """Return the status as the store has it; StoreError when it does not answer.

    A worker that is asked speaks for itself as of now, and says why it cannot write to the store.
    """
    if isinstance(store, RemoteStore):
        return await store.ask("GET", "/api/status", None, Status)
    snapshot = await store.snapshot()
    history = await store.revisions(2)
    rows = await store.instances()
    instances = alive(rows, now_us)
    if asked is not None:
        instances = [asked, *(row for row in instances if row.instance != asked.instance)]
    return build(
        snapshot.head,
        history[0] if history else None,
        providers(snapshot.state),
        instances,
        now_us,
        tested=await last_reports(store),
        store_error=store_error,
        heard_us=max((row.seen_at_us for row in (*instances, *rows)), default=0),
        undo=undo(history, await lost(store, snapshot.state, history)),
        ended=[row for row in rows if row.instance not in {each.instance for each in instances}],
    )


def alive(instances: Iterable[Instance], now_us: int) -> list[Instance]:
    """Return the workers that have said something lately."""
    since = now_us - int(ALIVE_S * 1_000_000)
    return [instance for instance in instances if instance.seen_at_us >= since]


def build(
    head: Head,
    last: Revision | None,
    declared: Mapping[str, Provider],
    instances: Sequence[Instance],
    now_us: int,
    *,
    tested: Mapping[str, Report],
    store_error: str = "",
    heard_us: int = 0,
    ended: Sequence[Instance] = (),
    undo: str = "",
) -> Status:
    """Return the status these rows add up to. `last` is the head's line of history.

    `tested` holds the last connection test of each provider that ever had one. Of workers that have
    `ended` only what they lost counts.
    """
    reports = _reports(instances)
    workers = tuple(_worker(row, head.revision) for row in instances)
    applied_us = last.info.created_at_us if last else 0
    return Status(
        config=head.config,
        environment=head.environment,
        revision=head.revision,
        git_commit=last.info.git_commit if last else "",
        message=last.info.message if last else "",
        applied_at=_time(applied_us),
        applied_by=last.info.created_by if last else "",
        age_s=max(0.0, (now_us - applied_us) / 1_000_000) if last else 0.0,
        live=sum(worker.live for worker in workers),
        workers=workers,
        heard_at=_time(heard_us),
        silent_s=max(0.0, (now_us - heard_us) / 1_000_000) if heard_us else 0.0,
        providers=tuple(
            _provider(name, provider, reports, tested.get(name))
            for name, provider in sorted(declared.items())
        ),
        store=store_error or "ok",
        waiting=sum(report.waiting for report in reports),
        collapsed=sum(report.collapsed for report in reports),
        lost=sum(report.lost for report in (*reports, *_reports(ended))),
        books_error=next((report.books_error for report in reports if report.books_error), ""),
        clock_error=next((report.clock_error for report in reports if report.clock_error), ""),
        simulated=any(report.simulated for report in reports),
        undo=undo,
    )


def _reports(rows: Iterable[Instance]) -> list[WorkerReport]:
    return [msgspec.json.decode(row.report, type=WorkerReport) for row in rows]


def _worker(row: Instance, head: int) -> WorkerStatus:
    return WorkerStatus(
        instance=row.instance,
        host=row.host,
        pid=row.pid,
        started_at=_time(row.started_at_us),
        seen_at=_time(row.seen_at_us),
        revision=row.revision,
        live=row.revision == head and not row.error,
        error=row.error,
    )


def _provider(
    name: str, declared: Provider, reports: Sequence[WorkerReport], tested: Report | None
) -> ProviderStatus:
    targets = _targets(name, reports)
    states: list[TargetState] = [target.state for target in targets] or ["ok"]
    worst = max(states, key=TARGET_STATES.index)
    broken = [report.broken[name] for report in reports if name in report.broken]
    last = max(targets, key=lambda target: target.last_error_at_us, default=None)
    calls = sum(target.calls for target in targets)
    failures = sum(target.failures for target in targets)
    return ProviderStatus(
        provider=name,
        state=_state(declared, worst, calls, failures, broken=bool(broken)),
        calls=calls,
        failures=failures,
        next_try_s=max((target.next_try_s for target in targets), default=0.0),
        last_error=broken[0] if broken else last.last_error if last else "",
        last_error_at=_time(last.last_error_at_us) if last and not broken else "",
        connection=tested.status if tested else "untested",
        tested_at=_time(tested.started_at_us) if tested else "",
        test_error=_test_error(tested) if tested else "",
        targets=targets,
    )


def _test_error(tested: Report) -> str:
    """Return why a connection test failed and what to do, '' when it did not."""
    step = failed_step(tested)
    if step is None or step.diagnosis is None:
        return ""
    return "; ".join(part for part in (step.diagnosis.message, step.diagnosis.hint) if part)


def _state(
    declared: Provider, worst: TargetState, calls: int, failures: int, *, broken: bool
) -> ProviderState:
    if not declared.enabled:
        return "disabled"
    if broken:
        return "error"
    if worst != "ok":
        return worst
    if not calls:
        return "idle"
    return "failing" if failures * 2 >= calls else "ok"


def _targets(provider: str, reports: Sequence[WorkerReport]) -> tuple[TargetReport, ...]:
    """Return the provider's targets, each added up over the workers."""
    found: dict[str, TargetReport] = {}
    for report in reports:
        for target in report.targets:
            if target.target.startswith(f"{provider}/"):
                before = found.get(target.target)
                found[target.target] = _added(before, target) if before else target
    return tuple(found[name] for name in sorted(found))


def _added(one: TargetReport, other: TargetReport) -> TargetReport:
    """Return two workers' reports on one target as one."""
    later = max(one, other, key=lambda report: report.last_error_at_us)
    worse = max(one, other, key=lambda seen: (TARGET_STATES.index(seen.state), not seen.endpoints))
    return TargetReport(
        target=one.target,
        state=worse.state,
        calls=one.calls + other.calls,
        failures=one.failures + other.failures,
        endpoints=worse.endpoints,
        next_try_s=max(one.next_try_s, other.next_try_s),
        last_error=later.last_error,
        last_error_at_us=later.last_error_at_us,
    )


def _time(unix_us: int) -> str:
    if not unix_us:
        return ""
    moment = datetime.fromtimestamp(unix_us / 1_000_000, UTC)
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
