"""Workers, connection tests and sealed secrets in SQL: small tables of rows that replace rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

import msgspec
from sqlalchemy import Connection, Table, delete, select, update

from modelops.resources.times import DAY_US
from modelops.secrets.sealed import SealedSecret, SecretNote, note_of, remembering, renamed
from modelops.store import database, revisions
from modelops.store.protocol import Instance, ProbeResult, StoreStaleError
from modelops.store.tables import instances, probe_results, sealed_secrets
from modelops.store.upsert import replace

Row = TypeVar("Row", bound=msgspec.Struct)

KEEP_DELETED_US = 30 * DAY_US
"""How long the seal of a deleted resource is kept; that there was one is never forgotten."""


def put_instance(connection: Connection, instance: Instance) -> None:
    """Write a worker's row."""
    replace(connection, instances, [instance])


def merge_instances(connection: Connection, gone: Sequence[str], into: Instance) -> None:
    """Write a row in place of others; StoreStaleError, to roll back, when one is not there."""
    deleted = connection.execute(delete(instances).where(instances.c.instance.in_(gone)))
    if deleted.rowcount != len(gone):
        raise StoreStaleError("another worker has merged these rows")
    replace(connection, instances, [into])


def all_instances(connection: Connection) -> list[Instance]:
    """Return every worker's row, the one seen last first."""
    rows = _rows(connection, instances, Instance)
    return sorted(rows, key=lambda row: (-row.seen_at_us, row.instance))


def put_probe_result(connection: Connection, result: ProbeResult) -> None:
    """Write the result of a provider's connection test over the one before."""
    replace(connection, probe_results, [result])


def all_probe_results(connection: Connection) -> list[ProbeResult]:
    """Return the last result of every provider that was tested, by name."""
    rows = _rows(connection, probe_results, ProbeResult)
    return sorted(rows, key=lambda row: row.provider)


def put_secrets(
    connection: Connection, rows: Sequence[SealedSecret], moved: Mapping[str, str], now_us: int
) -> dict[str, dict[str, SecretNote]]:
    """Write these rows, and erase the seals of resources that were deleted 30 days before.

    What each row replaces is noted here, so that no caller can leave it out. Returns what became of
    each secret that is in use, by address and field; one that only moved, as in `renamed`, is the
    same.
    """
    notes: dict[str, dict[str, SecretNote]] = {}
    if rows:
        before = {row.place: row for row in database.read(connection, revisions.secrets)}
        noted = [remembering(row, before.get(row.place)) for row in rows]
        replace(connection, sealed_secrets, noted)
        so_far = {
            row.place: row for row in renamed(before.values(), moved) if row.deleted_at is None
        }
        for row in rows:
            note = note_of(row, so_far.get(row.place))
            if row.deleted_at is None and not (note == "re-sealed" and row.address in moved):
                notes.setdefault(row.address, {})[row.field] = note
    expired = sealed_secrets.c.deleted_at < now_us - KEEP_DELETED_US
    connection.execute(update(sealed_secrets).where(expired).values(blob=""))
    return notes


def _rows(connection: Connection, table: Table, kind: type[Row]) -> list[Row]:
    return [
        msgspec.convert({str(name): value for name, value in row.items()}, kind)
        for row in connection.execute(select(table)).mappings()
    ]
