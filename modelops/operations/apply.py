"""Apply: carry a plan out. The store holds the old revision or the new one, never a mixture.

Nothing here decides what changes; it checks that the plan still holds and hands the store one
commit, which begins with comparing the head. Everything that can fail for another reason has
happened before.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from modelops.operations.plan import Prepared
from modelops.operations.sealing import seal_secrets
from modelops.operations.secret_rows import rows_of_rollback
from modelops.plan.document import MAX_BYTES, InvalidPlanError, Plan, decode
from modelops.resources.commits import DIRTY
from modelops.resources.errors import ModelopsError, RefusedError, StaleError
from modelops.secrets.sealed import SealedSecret
from modelops.store.protocol import Changes, CommitInfo, ConfigStore, Revision

PLAN_AGAIN = "look at a new plan: modelops plan"


def read_plan(path: Path) -> Plan:
    """Return the plan in a file; InvalidPlanError when it cannot be read or is not one."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise InvalidPlanError(f"{path}: cannot read the plan: {error.strerror}") from error
    if len(content) > MAX_BYTES:
        raise InvalidPlanError(f"{path}: larger than any plan of modelops")
    return decode(content, str(path))


async def apply(
    store: ConfigStore,
    prepared: Prepared,
    *,
    message: str = "",
    environ: Mapping[str, str] = os.environ,
) -> Revision | None:
    """Make the new revision and return it; None when there is nothing to change.

    The store then only learns by which other files it is declared as well, if by any.

    `environ` names the keys at hand, as for sops. RefusedError (exit 3) when safety says no,
    StaleError (exit 4) when the store has moved on, SecretError when a secret does not open.
    """
    plan = prepared.plan
    check_refusals(plan)
    info = commit_info(prepared, message)
    if plan.empty:
        if declared_otherwise(prepared):
            await store.commit(prepared.base.head, Changes(), info)
        return None
    made = changes(prepared, secrets(prepared, info.created_at_us, environ))
    return await store.commit(prepared.base.head, made, info)


def declared_otherwise(prepared: Prepared) -> bool:
    """Return whether these files are others than those the store was last declared by."""
    head = prepared.base.head
    return head.revision > 0 and head.config_digest != prepared.plan.config_digest


def check_refusals(plan: Plan) -> None:
    """Raise RefusedError with every reason when the plan must not be applied."""
    if plan.refusals:
        raise RefusedError(
            "; ".join(check.message for check in plan.refusals),
            "\n  ".join(dict.fromkeys(check.hint for check in plan.refusals if check.hint)),
        )


def check_saved(saved: Plan, prepared: Prepared) -> None:
    """Raise unless a saved plan is still what would happen now.

    RefusedError (exit 3) for the plan of another store, StaleError (exit 4) when the store or the
    files have moved on since.
    """
    head, now = prepared.base.head, prepared.plan
    if saved.base_ref:
        raise ModelopsError("the plan compares two commits and no store", PLAN_AGAIN)
    if saved.store_id not in ("", head.store_id):
        raise RefusedError(
            f"the plan is for store {saved.store_id}, this is {head.store_id or 'a new store'}",
            "name the plan's store with --store",
        )
    made = f"made at revision {saved.base_revision} by {saved.created_by} on {saved.created_at}"
    if (saved.base_revision, saved.base_digest) != (head.revision, head.digest):
        raise StaleError(
            f"the plan is stale: {made}, and the store stands at revision {head.revision}",
            PLAN_AGAIN,
        )
    if saved.config_digest != now.config_digest:
        raise StaleError(
            "the plan is stale: the files are not those it was made from, or modelops is another",
            PLAN_AGAIN,
        )
    if saved.changes != now.changes:
        raise StaleError(
            f"the plan is not what would happen: {made} with modelops {saved.tool_version}",
            PLAN_AGAIN,
        )


def secrets(
    prepared: Prepared, now_us: int, environ: Mapping[str, str]
) -> tuple[SealedSecret, ...]:
    """Return the rows of secrets that go with the new revision."""
    request, configuration, rows = prepared.request, prepared.configuration, prepared.secrets
    if request.simulated:
        return ()
    if prepared.kind == "rollback":
        return rows_of_rollback(configuration.state, rows, now_us)
    return seal_secrets(
        request.folder,
        configuration,
        rows,
        environ,
        state_directory=request.state_directory,
        now_us=now_us,
    )


def changes(prepared: Prepared, sealed: tuple[SealedSecret, ...]) -> Changes:
    """Return what the store has to put and delete."""
    after = prepared.configuration.state
    planned = prepared.plan.changes
    return Changes(
        put=tuple(after[change.address] for change in planned if change.action != "delete"),
        delete=tuple(
            change.moved_from or change.address
            for change in planned
            if change.action in ("delete", "move")
        ),
        moved={change.address: change.moved_from for change in planned if change.moved_from},
        secrets=sealed,
        consent=(*prepared.configuration.removed, *sorted(prepared.request.confirmed)),
    )


def commit_info(prepared: Prepared, message: str) -> CommitInfo:
    """Return the line of history that stands behind the new revision.

    A commit with uncommitted changes is marked as git itself does it.
    """
    plan, summary = prepared.plan, prepared.plan.summary
    return CommitInfo(
        kind=prepared.kind,
        config=plan.config,
        environment=plan.environment,
        config_digest=plan.config_digest,
        created_at_us=prepared.request.now_us,
        created_by=plan.created_by,
        git_commit=f"{plan.git_commit}{DIRTY}"
        if plan.git_commit and plan.git_dirty
        else plan.git_commit,
        message=message,
        tool_version=plan.tool_version,
        catalog=plan.catalog,
        counts={
            "create": summary.create,
            "update": summary.update,
            "delete": summary.delete,
            "move": summary.move,
        },
    )
