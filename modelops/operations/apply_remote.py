"""The server's side of applying through it: nothing a client says of the store is taken on trust.

The client has planned and sealed, but the base, the safety rules, the seals and whether the new
state can be served are looked at again here, against what the store holds now and with the server's
own identity; the commit compares the base once more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from msgspec.structs import replace

from modelops.gateway.table import compile_table
from modelops.operations import lockout, secret_rows
from modelops.operations.plan import PlanningStore, check_owner
from modelops.operations.traffic import calls_of_last_day
from modelops.plan.diff import diff
from modelops.plan.document import Check
from modelops.plan.moves import resolve
from modelops.plan.safety import refusals
from modelops.resources.errors import ModelopsError, RefusedError
from modelops.resources.state import State, by_address, settings
from modelops.secrets import server_identity
from modelops.secrets.errors import SecretError
from modelops.secrets.sealed import SealedSecret
from modelops.secrets.sealing import binding, open_row
from modelops.store.protocol import Changes, Head, Revision, StoreStaleError
from modelops.store.remote import ApplyRequest


async def apply_remote(
    store: PlanningStore,
    sent: ApplyRequest,
    operator: str,
    now_us: int,
    *,
    environment: str,
    identity_file: Path | None,
) -> Revision:
    """Make the revision a client asks for, in the operator's name and at this server's time.

    `environment` is the one the server was started for, '' when it takes the store's.
    `identity_file` holds what opens the seals; None where a simulator needs no keys. A rollback
    makes no seal, and leaves none behind unasked. StaleError when the store has moved on,
    RefusedError when safety says no or a seal does not open, ModelopsError when what it would make
    cannot be served.
    """
    base = await store.snapshot()
    check_owner(in_environment(base.head, environment), sent.info.config, sent.info.environment)
    if (base.head.revision, base.head.digest) != (sent.base.revision, sent.base.digest):
        raise StoreStaleError(
            f"the store stands at revision {base.head.revision}, not at {sent.base.revision}",
            "look at a new plan: modelops plan",
        )
    after = applied(base.state, sent.changes)
    claimed = [(old, new) for new, old in sent.changes.moved.items()]
    moved = resolve(claimed, base.state, after)
    sent = replace(sent, changes=replace(sent.changes, moved=moved))
    _check_served(after)
    if identity_file is not None and sent.info.kind == "apply":
        _check_seals(after, sent, identity_file)
    elif identity_file is not None:
        _check_left_behind(base.state, after, sent, await store.secrets())
    gone = base.state.keys() - after.keys()
    traffic = await calls_of_last_day(store, gone, now_us) if gone else {}
    _check_safe(base.state, after, sent, traffic, now_us)
    asked_by = f"{operator} ({sent.info.created_by})" if operator else sent.info.created_by
    info = replace(sent.info, created_by=asked_by[:200], created_at_us=now_us)
    return await store.commit(base.head, sent.changes, info)


def in_environment(head: Head, environment: str) -> Head:
    """Return the head as one of the environment its server was started for.

    The first apply would bind an empty store to another, which that server never serves.
    """
    return replace(head, environment=environment) if environment and not head.revision else head


def applied(before: State, changes: Changes) -> State:
    """Return the state that changes make of another; ModelopsError when they miss it."""
    missing = [address for address in changes.delete if address not in before]
    if missing:
        raise ModelopsError(f"{missing[0]} is to be deleted, and is not there")
    kept = {address: item for address, item in before.items() if address not in changes.delete}
    return kept | by_address(changes.put)


def _check_served(after: State) -> None:
    """Raise unless a server could go live with this state."""
    if settings(after) is None:
        raise ModelopsError("the new state has no settings", "apply a whole configuration")
    compile_table(0, after, lambda _address, _field: None)


def _check_seals(after: State, sent: ApplyRequest, identity_file: Path) -> None:
    """Raise unless this server opens every seal it is given: live, it would call without a key."""
    rows = {
        row.place: row
        for row in sent.changes.secrets
        if row.blob and row.deleted_at is None and row.address in after
    }
    if not rows:
        return
    identities = server_identity.load(identity_file)
    for address, field in rows:
        try:
            bound = binding(sent.info.config, sent.info.environment, after, address, field)
            open_row(rows, bound, identities)
        except SecretError as error:
            raise RefusedError(
                f"{field} of {address} does not open on this server: {error.message}",
                error.hint or "server_recipients has to name what `modelops identity` shows here",
            ) from None


def _check_left_behind(
    before: State, after: State, sent: ApplyRequest, kept: Sequence[SealedSecret]
) -> None:
    """Raise where a rollback would have a key open no more, and nobody has agreed to it."""
    rows = (*kept, *sent.changes.secrets)
    left = secret_rows.left_behind(before, after, rows, sent.changes.consent)
    _refuse([check for check in left if check.level == "refused"])


def _check_safe(
    before: State, after: State, sent: ApplyRequest, traffic: Mapping[str, int], now_us: int
) -> None:
    changes, consent = diff(before, after, sent.changes.moved, ""), sent.changes.consent
    files = sent.info.kind == "apply"
    now = datetime.fromtimestamp(now_us / 1_000_000, UTC)
    _refuse(
        [
            *refusals(changes, before, after, consent, traffic, files=files),
            *lockout.refusals(before, after, consent, now, files=files),
        ]
    )


def _refuse(found: Sequence[Check]) -> None:
    if found:
        raise RefusedError("; ".join(check.message for check in found), found[0].hint)
