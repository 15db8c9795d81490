"""Rollback: make a new revision with the content of an old one.

Nothing is undone in place: history only grows, and a rollback can be rolled back. It moves
money and traffic as an apply does, so the same rules hold it: a deletion they refuse is agreed to
by name, and so is a key that would not fit the old content: secrets are not part of a revision, the
newest stay.
"""

from __future__ import annotations

from collections.abc import Mapping

from modelops.operations import between, secret_rows
from modelops.operations.git import GitFacts
from modelops.operations.plan import (
    PlanningStore,
    Prepared,
    Request,
    base_of,
    lockouts,
    provenance,
)
from modelops.operations.traffic import calls_of_last_day
from modelops.operations.undo import keys_kept, keys_replaced, put_back
from modelops.plan.build import build
from modelops.resources.configuration import Configuration
from modelops.resources.errors import ModelopsError
from modelops.store.protocol import Snapshot


async def prepare_rollback(store: PlanningStore, revision: int, request: Request) -> Prepared:
    """Plan the way back to a revision; ModelopsError when there is none, or it is the newest.

    Also where nothing but keys has changed since, which it would not bring back.
    The request's folder is not read: the commit is that of the content. What safety refuses is in
    the plan; `confirmed` lifts it.
    """
    base = await store.snapshot()
    if not 0 < revision < base.head.revision:
        raise ModelopsError(
            f"cannot roll back to revision {revision}: the store stands at {base.head.revision}",
            "modelops history lists the revisions",
        )
    target = await store.snapshot(revision)
    (line,) = await store.revisions(1, revision + 1)
    notes = await between.notes(store, base, target)
    configuration = as_declared(target, notes.moved)
    gone = base.state.keys() - target.state.keys()
    rows = await store.secrets()
    plan = build(
        configuration,
        base_of(base),
        provenance(request, GitFacts(commit=line.info.git_commit)),
        confirmed=request.confirmed,
        traffic=await calls_of_last_day(store, gone, request.now_us) if gone else None,
        files=False,
        further=(
            *lockouts(request, base.state, target.state, files=False),
            *keys_kept(notes),
            *(
                ()
                if request.simulated
                else secret_rows.left_behind(base.state, target.state, rows, request.confirmed)
            ),
            *secret_rows.from_before_moving(target.state, rows, notes.moved),
        ),
    )
    if plan.empty and (keys := keys_replaced(notes)):
        raise ModelopsError(
            f"revision {revision} is what stands: since then keys alone have changed, "
            f"those of {', '.join(keys)}, and keys are not rolled back",
            put_back(keys),
        )
    return Prepared(
        request=request,
        plan=plan,
        base=base,
        configuration=configuration,
        secrets=rows,
        kind="rollback",
    )


def as_declared(target: Snapshot, moved: Mapping[str, str]) -> Configuration:
    """Return a revision as if it had just been declared, `moved` from the addresses of now."""
    return Configuration(
        config=target.head.config,
        environment=target.head.environment,
        state=target.state,
        positions={},
        secrets=(),
        moved=tuple((old, new) for new, old in moved.items()),
        removed=(),
        config_digest=target.head.config_digest,
        warnings=(),
    )
