"""Plan: what would applying this folder change in that store? Reads both, writes neither.

`prepare` is all that `plan` and `apply` have in common, which is everything but the last stage.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import msgspec

from modelops import __version__, catalog
from modelops.config import load_configuration
from modelops.gateway.protocols import SPOKEN
from modelops.operations import git
from modelops.plan.build import Base, Provenance, build
from modelops.plan.document import Plan
from modelops.resources.configuration import Configuration
from modelops.store.protocol import ConfigStore, Head, Snapshot, StoreMismatchError


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be planned, and who asks when.

    `now` is aware. `confirmed` are addresses whose deletion was agreed to by hand.
    """

    folder: Path
    environment: str
    created_by: str
    now: datetime
    confirmed: frozenset[str] = frozenset()


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """A plan with the two sides it was made from, so that it can be carried out."""

    plan: Plan
    base: Snapshot
    configuration: Configuration


async def plan(store: ConfigStore, request: Request) -> Plan:
    """Return what applying the folder would change."""
    return (await prepare(store, request)).plan


async def prepare(store: ConfigStore, request: Request) -> Prepared:
    """Load the folder, read the store, and plan.

    InvalidConfigurationError when the folder has errors, StoreMismatchError (exit 3) when the store
    belongs to another configuration or environment, StoreError when it cannot be read.
    """
    configuration = load_configuration(request.folder, request.environment)
    base = await store.snapshot()
    check_owner(base.head, configuration)
    plan = build(
        configuration,
        Base(
            state=base.state,
            digest=base.head.digest,
            store_id=base.head.store_id,
            revision=base.head.revision,
        ),
        provenance(request),
        spoken=SPOKEN,
        confirmed=request.confirmed,
    )
    return Prepared(plan=plan, base=base, configuration=configuration)


def check_owner(head: Head, configuration: Configuration) -> None:
    """Raise StoreMismatchError unless the store is this configuration's and environment's."""
    if not head.config:
        return
    owner, asking = (
        (head.config, head.environment),
        (configuration.config, configuration.environment),
    )
    if owner != asking:
        raise StoreMismatchError(
            f"the store belongs to {_name(*owner)}, this is {_name(*asking)}",
            "use its own store with --store, or the right folder and --env",
        )


def provenance(request: Request) -> Provenance:
    """Return who plans when, with which tool and from which commit."""
    commit = git.facts(request.folder)
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
