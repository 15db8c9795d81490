"""The store's rows of secrets beside a declaration: what a plan tells, and what a rollback does.

Nothing is opened here. Secrets are not part of a revision: a rollback keeps the newest, and only
says which of them are in use.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from modelops.plan.caller_keys import consent_to_keys
from modelops.plan.document import Check
from modelops.plan.secrets import SecretFacts
from modelops.resources.configuration import Configuration, SecretSource
from modelops.resources.resolved import Agent, Provider
from modelops.resources.state import State
from modelops.secrets import server_identity
from modelops.secrets.seal import key_id, sealed_to
from modelops.secrets.sealed import Place, SealedSecret, renamed, secret_changes, source_hash
from modelops.secrets.sealing import binding, recipients, stale_sources


def local_recipients(state_directory: Path | None, environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the public halves of the server beside a local store; () while it has no identity."""
    if state_directory is None:
        return ()
    path = server_identity.location(state_directory, environ)
    return tuple(one.recipient for one in server_identity.load(path)) if path.exists() else ()


def facts(
    configuration: Configuration,
    rows: Sequence[SealedSecret],
    state_directory: Path | None,
    consent: frozenset[str],
    environ: Mapping[str, str],
) -> SecretFacts:
    """Return what a plan has to know; `state_directory` is None for a store that is not local."""
    to = recipients(configuration) or local_recipients(state_directory, environ)
    stale = stale_sources(configuration, rows, to) if to else ()
    return SecretFacts(
        changes=secret_changes(rows, configuration.secrets),
        resealed=frozenset((source.address, source.field) for source in stale),
        consent=consent,
        recipients=bool(to) or state_directory is not None,
    )


def as_rows(sources: Sequence[SecretSource]) -> tuple[SealedSecret, ...]:
    """Return declared secrets as the rows they would be, unsealed: to compare declarations by."""
    return tuple(
        SealedSecret(
            address=source.address,
            field=source.field,
            kind=source.kind,
            source_sha256=source_hash(source),
            data_key_sha256=source.data_key_sha256,
            origin=source.origin,
            blob="",
            updated_at=0,
        )
        for source in sources
    )


def sealed_exactly_to(rows: Sequence[SealedSecret], to: Sequence[str]) -> bool:
    """Return whether every seal in use is for exactly these recipients; references have none."""
    wanted = {key_id(recipient) for recipient in to}
    return all(sealed_to(row.blob) == wanted for row in rows if row.blob and row.deleted_at is None)


def rows_of_rollback(
    state: State, rows: Sequence[SealedSecret], now_us: int
) -> tuple[SealedSecret, ...]:
    """Return the rows whose resource comes back or goes with a rollback to `state`."""
    used = {place for place, _ in _keys(state)}
    return tuple(
        msgspec.structs.replace(row, deleted_at=None if row.place in used else now_us)
        for row in rows
        if (row.place in used) != (row.deleted_at is None)
    )


def left_behind(
    before: State, after: State, rows: Sequence[SealedSecret], consent: Collection[str]
) -> Iterator[Check]:
    """Yield a check for each sealed key of a state that will not open from the newest rows.

    It is refused where the key opens so far, until its address is named: its provider could not be
    called any more.
    """
    known = {place for place, _ in _unopened(before, rows)}
    for (address, field), reason in _unopened(after, rows):
        refused = Check(
            rule="secret-left-behind",
            level="refused",
            address=address,
            message=f"{field} of {address} will not open: {reason}",
            hint=f"if it is meant: --confirm-keys {address}, then apply files that hold its key",
        )
        if (address, field) in known or consent_to_keys(address) in consent:
            hint = "then apply files that hold its key"
            yield msgspec.structs.replace(refused, level="warning", hint=hint)
        else:
            yield refused


def from_before_moving(
    state: State, rows: Sequence[SealedSecret], moved: Mapping[str, str]
) -> Iterator[Check]:
    """Yield a warning for each sealed key of a state that comes back older than the one in use.

    A seal stays at the address it was made for: what changed since a resource moved does not move
    back with it. `moved` maps the addresses of the state to those of now.
    """
    kept = {row.place: row for row in rows}
    used = {row.place: row for row in renamed(rows, moved) if row.deleted_at is None}
    for place, key in _keys(state):
        row, newest = kept.get(place), used.get(place)
        if key == "sealed" and row and row.blob and newest:
            address, field = place
            if row.source_sha256 != newest.source_sha256:
                yield Check(
                    rule="secret-left-behind",
                    level="warning",
                    address=address,
                    message=f"{field} of {address} will be the one it had before it moved: "
                    f"the newest is sealed for {moved[address]}",
                    hint="then apply files that hold its key",
                )


def sealed(state: State) -> frozenset[Place]:
    """Return the places of a state whose key is a sealed one."""
    return frozenset(place for place, key in _keys(state) if key == "sealed")


def _unopened(state: State, rows: Sequence[SealedSecret]) -> Iterator[tuple[Place, str]]:
    """Yield each sealed key of a state that does not open from these rows, and why."""
    newest = {row.place: row for row in rows}
    for (address, field), key in _keys(state):
        if key != "sealed":
            continue
        row = newest.get((address, field))
        goes_to = binding("", "", state, address, field).origin
        if row is None or not row.blob:
            reason = "the store keeps no sealed key for it"
        elif row.origin != goes_to:
            reason = f"the newest key is sealed for {row.origin}, not for {goes_to}"
        else:
            continue
        yield (address, field), reason


def _keys(state: State) -> Iterator[tuple[Place, str]]:
    """Yield every key of a state: its place, and `sealed` or its reference."""
    for resource in state.values():
        if isinstance(resource, Provider) and resource.api_key:
            yield (resource.address, "api_key"), resource.api_key
        elif isinstance(resource, Agent):
            for one in resource.credentials:
                yield (resource.address, f"credentials[{one.provider}].api_key"), one.api_key
