"""Plan: what would applying this folder change in that store? Reads both, writes neither.

`prepare` is all that `plan` and `apply` have in common, which is everything but the last stage.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

import msgspec

from modelops import __version__, catalog
from modelops.config import load_configuration
from modelops.config.digest import folder_digest
from modelops.operations import git, lockout, secret_rows
from modelops.operations.holds import held
from modelops.operations.traffic import calls_of_last_day
from modelops.plan import moves
from modelops.plan.build import Base, Provenance, build, unchanged
from modelops.plan.document import Check, Plan
from modelops.plan.secrets import SecretFacts
from modelops.resources.configuration import Configuration
from modelops.resources.errors import ModelopsError
from modelops.resources.state import State
from modelops.secrets.sealed import SealedSecret, renamed
from modelops.store.books import SumsStore
from modelops.store.protocol import ConfigStore, Head, RevisionKind, Snapshot, StoreMismatchError


class PlanningStore(ConfigStore, SumsStore, Protocol):
    """A store that can also tell who is being called."""


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be planned, and who asks when.

    `now` is aware. `confirmed` are addresses whose deletion was agreed to by hand,
    `allowed_origins` those whose secrets may go to a new origin; `reapply` brings back files that
    were rolled back. `state_directory` is where the server of a local store keeps its identity,
    None for a store elsewhere. `simulated` is for a store behind a simulator: its secrets are
    neither opened nor kept. `through_server` is for the store behind a running server.
    """

    folder: Path
    environment: str
    created_by: str
    now: datetime
    confirmed: frozenset[str] = frozenset()
    allowed_origins: frozenset[str] = frozenset()
    reapply: bool = False
    state_directory: Path | None = None
    simulated: bool = False
    through_server: bool = False

    @property
    def now_us(self) -> int:
        """Unix time in microseconds."""
        return int(self.now.timestamp() * 1_000_000)


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """A plan with the two sides it was made from, so that it can be carried out.

    `kind` is what the history will call it, `secrets` the rows the store keeps.
    """

    request: Request
    plan: Plan
    base: Snapshot
    configuration: Configuration
    secrets: Sequence[SealedSecret] = ()
    kind: RevisionKind = "apply"


async def plan(
    store: PlanningStore, request: Request, environ: Mapping[str, str] = os.environ
) -> Plan:
    """Return what applying the folder would change.

    Files whose digest the store stands at already are not even parsed. Errors as of `prepare`.
    """
    head = await store.head()
    digest = folder_digest(request.folder, request.environment) if head.revision else None
    if digest == head.config_digest and await _seals_fit(store, request, environ):
        base = base_of(Snapshot(head=head, state={}))
        return unchanged(
            head.config,
            head.environment,
            digest,
            base,
            provenance(request, git.facts(request.folder)),
        )
    return (await prepare(store, request, environ)).plan


async def prepare(
    store: PlanningStore, request: Request, environ: Mapping[str, str] = os.environ
) -> Prepared:
    """Load the folder, read the store, and plan. `environ` says where the server's identity lies.

    InvalidConfigurationError when the folder has errors, StoreMismatchError (exit 3) when the store
    belongs to another configuration or environment, StoreError when it cannot be read.
    """
    configuration = load_configuration(request.folder, request.environment)
    base = await store.snapshot()
    check_owner(base.head, configuration.config, configuration.environment)
    _check_consent(request, configuration)
    hold = None if request.reapply else await held(store, base.head, configuration)
    gone = base.state.keys() - configuration.state.keys()
    rows = () if request.simulated else await store.secrets()
    moved = moves.resolve(configuration.moved, base.state, configuration.state)
    plan = build(
        configuration,
        base_of(base),
        provenance(request, git.facts(request.folder)),
        confirmed=request.confirmed,
        traffic=await calls_of_last_day(store, gone, request.now_us) if gone else None,
        sealed=_secret_facts(configuration, renamed(rows, moved), request, environ),
        further=(*([hold] if hold else ()), *lockouts(request, base.state, configuration.state)),
    )
    return Prepared(
        request=request, plan=plan, base=base, configuration=configuration, secrets=rows
    )


def lockouts(
    request: Request, before: State, after: State, *, files: bool = True
) -> Iterator[Check]:
    """Yield why nobody could apply afterwards; `files` as in `plan.safety.refusals`."""
    if request.through_server:
        yield from lockout.refusals(before, after, request.confirmed, request.now, files=files)


def _check_consent(request: Request, configuration: Configuration) -> None:
    """ModelopsError for consent to nothing: a mistyped address would seem to be agreed to."""
    for address in sorted(request.allowed_origins - configuration.state.keys()):
        raise ModelopsError(
            f"--allow-origin-change {address}: nothing that is declared has this address",
            "write provider/NAME or agent/NAME",
        )


def _secret_facts(
    configuration: Configuration,
    rows: Sequence[SealedSecret],
    request: Request,
    environ: Mapping[str, str],
) -> SecretFacts:
    if request.simulated:
        return SecretFacts()
    return secret_rows.facts(
        configuration, rows, request.state_directory, request.allowed_origins, environ
    )


async def _seals_fit(store: ConfigStore, request: Request, environ: Mapping[str, str]) -> bool:
    """Return whether the store's seals are surely those that applying these files would make.

    Whether an identity at hand is the one they should be for takes the files to tell. After a
    rollback to these files they may still be those of the files it abandoned.
    """
    if request.simulated:
        return True
    if any(latest.info.kind == "rollback" for latest in await store.revisions(1)):
        return False
    local = secret_rows.local_recipients(request.state_directory, environ)
    return not local or secret_rows.sealed_exactly_to(await store.secrets(), local)


def base_of(snapshot: Snapshot) -> Base:
    """Return a revision as what a plan starts from."""
    head = snapshot.head
    return Base(
        state=snapshot.state, digest=head.digest, store_id=head.store_id, revision=head.revision
    )


def check_owner(head: Head, config: str, environment: str) -> None:
    """Raise StoreMismatchError unless the store is this configuration's and environment's.

    An empty store is anyone's, unless its server was started for one environment.
    """
    if not (head.config or head.environment):
        return
    owner = (head.config or config, head.environment)
    if owner != (config, environment):
        raise StoreMismatchError(
            f"the store belongs to {_name(*owner)}, this is {_name(config, environment)}",
            "use its own store with --store, or the right folder and --env",
        )


def provenance(request: Request, commit: git.GitFacts) -> Provenance:
    """Return who plans when, with which tool and from which commit."""
    return Provenance(
        tool_version=__version__,
        catalog=catalog.VERSION,
        created_by=request.created_by,
        created_at=request.now.isoformat(timespec="seconds").replace("+00:00", "Z"),
        git_commit=commit.commit,
        git_branch=commit.branch,
        git_dirty=commit.dirty,
        git_prefix=commit.prefix,
    )


def _name(config: str, environment: str) -> str:
    return (
        f"{config} in environment {environment}" if environment else f"{config} without environment"
    )
