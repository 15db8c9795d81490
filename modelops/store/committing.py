"""Making a revision in SQL: the compare-and-swap on the head row, and the rows that change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec
from sqlalchemy import Connection, and_, bindparam, insert, or_, select, true, update

from modelops.resources import state as states
from modelops.resources.resolved import Resource
from modelops.store import database, operations, revisions, tables
from modelops.store.protocol import (
    Changes,
    CommitInfo,
    Head,
    Notes,
    Revision,
    StoreMismatchError,
    StoreStaleError,
)
from modelops.store.tables import members, resources, store

_BATCH = 500
"""Values in one IN list; SQLite takes 32,766 and old builds 999."""


def commit(connection: Connection, base: Head, changes: Changes, info: CommitInfo) -> Revision:
    """Make the next revision. Its first statement is the compare-and-swap on the head row.

    Whoever comes second changes no row and is told so; nothing is read before the write, so two
    commits never both believe that they stand at the head.
    """
    if base.revision and not (changes.put or changes.delete or changes.secrets):
        return _note_files(connection, base, info)
    number = base.revision + 1
    _advance(connection, base, number, info)
    current = _member_digests(connection)
    if states.state_digest(current) != base.digest:
        raise revisions.damaged(base.revision)
    put = {item.address: item for item in changes.put}
    digests = {address: states.digest(item) for address, item in put.items()}
    gone = set(changes.delete)
    unknown = gone - current.keys() or changes.moved.keys() - put.keys()
    if unknown or put.keys() & gone or not gone.issuperset(changes.moved.values()):
        raise ValueError(f"changes do not fit revision {base.revision}: {list(unknown or put)}")
    fresh = {a: digest for a, digest in digests.items() if current.get(a) != digest}
    after = {**current, **fresh}
    for address in changes.delete:
        del after[address]
    made = Revision(
        revision=number,
        base=base.revision,
        digest=states.state_digest(after),
        info=info,
        notes=Notes(
            moved=changes.moved,
            secrets=operations.put_secrets(
                connection, changes.secrets, changes.moved, info.created_at_us
            ),
        ),
    )
    connection.execute(insert(tables.revisions), _revision_row(made))
    _put_content(connection, {digests[a]: put[a] for a in fresh})
    _end_members(connection, [*changes.delete, *(a for a in fresh if a in current)], number)
    if fresh:
        rows = [{"address": a, "since": number, "digest": d} for a, d in fresh.items()]
        connection.execute(insert(members), rows)
    connection.execute(update(store).values(digest=made.digest))
    return made


def _note_files(connection: Connection, base: Head, info: CommitInfo) -> Revision:
    """Keep by which files the head was last declared: others that come to the same, a comment more.

    Plans find them unchanged without reading them, and a rollback holds them back.
    """
    _advance(connection, base, base.revision, info)
    connection.execute(
        update(tables.revisions)
        .where(tables.revisions.c.revision == base.revision)
        .values(config_digest=info.config_digest)
    )
    (standing,) = database.read(connection, lambda query: revisions.history(query, 1))
    return standing


def _advance(connection: Connection, base: Head, number: int, info: CommitInfo) -> None:
    """Move the head row on from `base`, or say why it cannot be moved.

    A base without an id was read before there was a store: any store that is still empty will do.
    """
    moved = connection.execute(
        update(store)
        .where(
            store.c.store_id == base.store_id if base.store_id else true(),
            store.c.revision == base.revision,
            store.c.digest == base.digest,
            or_(
                store.c.revision == 0,
                and_(store.c.config == info.config, store.c.environment == info.environment),
            ),
        )
        .values(
            revision=number,
            config=info.config,
            environment=info.environment,
            config_digest=info.config_digest,
        )
    )
    if moved.rowcount == 1:
        return
    now = database.read(connection, revisions.head)
    if now.revision and (now.config, now.environment) != (info.config, info.environment):
        raise StoreMismatchError(
            f"the store belongs to {_owner(now.config, now.environment)},"
            f" not to {_owner(info.config, info.environment)}",
            "name the right store with --store, or the right environment with --env",
        )
    raise StoreStaleError(
        f"the store stands at revision {now.revision}, not at {base.revision} as planned"
        if base.store_id in ("", now.store_id)
        else "the store is not the one the plan was made for",
        "plan again",
    )


def _owner(config: str, environment: str) -> str:
    return f"configuration {config!r}" + (f", environment {environment!r}" if environment else "")


def _member_digests(connection: Connection) -> dict[str, str]:
    query = select(members.c.address, members.c.digest).where(members.c.until.is_(None))
    return {row.address: row.digest for row in connection.execute(query)}


def _put_content(connection: Connection, content: Mapping[str, Resource]) -> None:
    """Insert the content that the store does not hold yet."""
    held: set[str] = set()
    for batch in _batches(list(content)):
        query = select(resources.c.digest).where(resources.c.digest.in_(batch))
        held.update(connection.scalars(query))
    rows = [
        {
            "digest": digest,
            "address": item.address,
            "form": states.FORM,
            "content": states.encode(item).decode(),
        }
        for digest, item in content.items()
        if digest not in held
    ]
    if rows:
        connection.execute(insert(resources), rows)


def _end_members(connection: Connection, addresses: list[str], revision: int) -> None:
    if addresses:
        connection.execute(
            update(members)
            .where(members.c.address == bindparam("member"), members.c.until.is_(None))
            .values(until=revision),
            [{"member": address} for address in addresses],
        )


def _batches(values: Sequence[str]) -> Iterable[Sequence[str]]:
    return (values[start : start + _BATCH] for start in range(0, len(values), _BATCH))


def _revision_row(made: Revision) -> dict[str, object]:
    fields = msgspec.structs.asdict(made.info)
    del fields["config"], fields["environment"]
    return {
        **fields,
        "revision": made.revision,
        "base": made.base,
        "digest": made.digest,
        "counts": msgspec.json.encode(made.info.counts).decode(),
        "notes": msgspec.json.encode(made.notes).decode(),
    }
