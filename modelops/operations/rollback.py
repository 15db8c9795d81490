"""Rollback: make a new revision with the content of an old one.

Nothing is undone in place: history only grows, and a rollback can be rolled back. Naming a revision
is the consent to what goes with it, so only what is protected is refused. Secrets are not part of a
revision: the newest stay, and the plan warns of those that do not fit the old content.
"""

from __future__ import annotations

from collections.abc import Iterable

from modelops.operations import secret_rows
from modelops.operations.plan import Prepared, Request, base_of, provenance
from modelops.plan.build import build
from modelops.resources.configuration import Configuration
from modelops.resources.errors import ModelopsError
from modelops.store.protocol import ConfigStore, Snapshot


async def prepare_rollback(store: ConfigStore, revision: int, request: Request) -> Prepared:
    """Plan the way back to a revision; ModelopsError when there is none, or it is the newest.

    Of the request, the folder only says which commit it was asked from.
    """
    base = await store.snapshot()
    if not 0 < revision < base.head.revision:
        raise ModelopsError(
            f"cannot roll back to revision {revision}: the store stands at {base.head.revision}",
            "modelops history lists the revisions",
        )
    target = await store.snapshot(revision)
    configuration = as_declared(target, removed=base.state.keys() - target.state.keys())
    rows = await store.secrets()
    plan = build(
        configuration,
        base_of(base),
        provenance(request),
        further=tuple(secret_rows.left_behind(target.state, rows)),
    )
    return Prepared(
        request=request,
        plan=plan,
        base=base,
        configuration=configuration,
        secrets=rows,
        kind="rollback",
    )


def as_declared(target: Snapshot, removed: Iterable[str]) -> Configuration:
    """Return a revision as if it had just been declared, with consent to delete what it lacks."""
    return Configuration(
        config=target.head.config,
        environment=target.head.environment,
        state=target.state,
        positions={},
        secrets=(),
        moved=(),
        removed=tuple(removed),
        config_digest=target.head.config_digest,
        warnings=(),
    )
