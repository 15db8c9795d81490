"""Revisions in SQL: the head, whole states, the history, and the one way to make a new one.

A member is an interval of revisions, so a commit writes as many rows as it changes, and any
revision is one query. A revision never changes once it is made, so reading the head and then its
members is consistent without locking anything.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence

import msgspec
from sqlalchemy import (
    ColumnElement,
    RowMapping,
    Select,
    and_,
    bindparam,
    insert,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from modelops.resources import state as states
from modelops.resources.resolved import Agent, Resource, Settings
from modelops.store import forms, operations
from modelops.store.books import LabelSpan
from modelops.store.protocol import (
    Changes,
    CommitInfo,
    Head,
    Revision,
    Snapshot,
    StoreDamagedError,
    StoreError,
    StoreMismatchError,
    StoreStaleError,
)
from modelops.store.tables import members, resources, revisions, store

EMPTY_DIGEST = states.state_digest({})
NO_STORE = Head(
    store_id="", config="", environment="", revision=0, digest=EMPTY_DIGEST, config_digest=""
)
"""The head of a store that does not exist yet."""

_BATCH = 500
"""Values in one IN list; SQLite takes 32,766 and old builds 999."""


async def head(connection: AsyncConnection) -> Head:
    """Return where the store stands."""
    row = (await connection.execute(select(store))).one_or_none()
    if row is None:
        raise StoreDamagedError("the store has no head row", "restore a backup of the store")
    return Head(
        store_id=row.store_id,
        config=row.config,
        environment=row.environment,
        revision=row.revision,
        digest=row.digest,
        config_digest=row.config_digest,
    )


async def snapshot(connection: AsyncConnection, revision: int | None) -> Snapshot:
    """Return a revision whole, the head's when None, checked against its digests."""
    at = await head(connection)
    if revision is not None and revision != at.revision:
        at = await _past(connection, at, revision)
    rows = (await connection.execute(_content(_in_revision(at.revision)))).all()
    if states.state_digest({row.address: row.digest for row in rows}) != at.digest:
        raise _damaged(at.revision)
    return Snapshot(head=at, state={row.address: _read(*row) for row in rows})


async def settings(connection: AsyncConnection) -> Settings | None:
    """Return the settings of the head, without reading the rest of it."""
    is_settings = members.c.address.startswith("config/", autoescape=True)
    row = (
        await connection.execute(_content(and_(is_settings, members.c.until.is_(None))))
    ).one_or_none()
    found = None if row is None else _read(*row)
    return found if isinstance(found, Settings) else None


async def agent_labels(connection: AsyncConnection) -> list[LabelSpan]:
    """Return the labels that every agent has and had."""
    query = (
        select(members, resources.c.form, resources.c.content)
        .join(resources, resources.c.digest == members.c.digest)
        .where(members.c.address.startswith("agent/", autoescape=True))
    )
    spans = []
    for row in await connection.execute(query):
        agent = _read(row.address, row.digest, row.form, row.content)
        if isinstance(agent, Agent) and agent.labels:
            spans.append(
                LabelSpan(agent=agent.agent, since=row.since, until=row.until, labels=agent.labels)
            )
    return spans


async def history(connection: AsyncConnection, limit: int, before: int | None) -> list[Revision]:
    """Return the newest revisions first, those below `before` when it is given."""
    query = (
        select(revisions, store.c.config, store.c.environment)
        .join(store, store.c.id == 1)
        .order_by(revisions.c.revision.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(revisions.c.revision < before)
    return [_revision(row) for row in (await connection.execute(query)).mappings()]


async def commit(
    connection: AsyncConnection, base: Head, changes: Changes, info: CommitInfo
) -> Revision:
    """Make the next revision. Its first statement is the compare-and-swap on the head row.

    Whoever comes second changes no row and is told so; nothing is read before the write, so two
    commits never both believe that they stand at the head.
    """
    number = base.revision + 1
    await _advance(connection, base, info)
    current = await _member_digests(connection)
    if states.state_digest(current) != base.digest:
        raise _damaged(base.revision)
    put = {item.address: item for item in changes.put}
    digests = {address: states.digest(item) for address, item in put.items()}
    unknown = [address for address in changes.delete if address not in current]
    if unknown or put.keys() & set(changes.delete):
        raise ValueError(f"changes do not fit revision {base.revision}: {unknown or list(put)}")
    fresh = {a: digest for a, digest in digests.items() if current.get(a) != digest}
    after = {**current, **fresh}
    for address in changes.delete:
        del after[address]
    made = Revision(
        revision=number, base=base.revision, digest=states.state_digest(after), info=info
    )
    await connection.execute(insert(revisions), _revision_row(made))
    await _put_content(connection, {digests[a]: put[a] for a in fresh})
    await _end_members(connection, [*changes.delete, *(a for a in fresh if a in current)], number)
    if fresh:
        rows = [{"address": a, "since": number, "digest": d} for a, d in fresh.items()]
        await connection.execute(insert(members), rows)
    await operations.put_secrets(connection, changes.secrets, info.created_at_us)
    await connection.execute(update(store).values(digest=made.digest))
    return made


async def _advance(connection: AsyncConnection, base: Head, info: CommitInfo) -> None:
    """Move the head row on from `base`, or say why it cannot be moved.

    A base without an id was read before there was a store: any store that is still empty will do.
    """
    moved = await connection.execute(
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
            revision=base.revision + 1,
            config=info.config,
            environment=info.environment,
            config_digest=info.config_digest,
        )
    )
    if moved.rowcount == 1:
        return
    now = await head(connection)
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


async def _past(connection: AsyncConnection, now: Head, revision: int) -> Head:
    """Return the head as it was at an earlier revision."""
    if revision == 0:
        return msgspec.structs.replace(now, revision=0, digest=EMPTY_DIGEST, config_digest="")
    query = select(revisions).where(revisions.c.revision == revision)
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        raise StoreError(
            f"there is no revision {revision}; the store stands at {now.revision}",
            "`modelops history` lists them",
        )
    return msgspec.structs.replace(
        now, revision=revision, digest=row.digest, config_digest=row.config_digest
    )


def _content(condition: ColumnElement[bool]) -> Select[str, str, int, str]:
    """Return the query for the members that meet a condition, with what they hold."""
    return (
        select(members.c.address, members.c.digest, resources.c.form, resources.c.content)
        .join(resources, resources.c.digest == members.c.digest)
        .where(condition)
    )


def _in_revision(revision: int) -> ColumnElement[bool]:
    return and_(
        members.c.since <= revision, or_(members.c.until.is_(None), members.c.until > revision)
    )


async def _member_digests(connection: AsyncConnection) -> dict[str, str]:
    query = select(members.c.address, members.c.digest).where(members.c.until.is_(None))
    return {row.address: row.digest for row in await connection.execute(query)}


async def _put_content(connection: AsyncConnection, content: Mapping[str, Resource]) -> None:
    """Insert the content that the store does not hold yet."""
    held: set[str] = set()
    for batch in _batches(list(content)):
        query = select(resources.c.digest).where(resources.c.digest.in_(batch))
        held.update(await connection.scalars(query))
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
        await connection.execute(insert(resources), rows)


async def _end_members(connection: AsyncConnection, addresses: list[str], revision: int) -> None:
    if addresses:
        await connection.execute(
            update(members)
            .where(members.c.address == bindparam("member"), members.c.until.is_(None))
            .values(until=revision),
            [{"member": address} for address in addresses],
        )


def _batches(values: Sequence[str]) -> Iterable[Sequence[str]]:
    return (values[start : start + _BATCH] for start in range(0, len(values), _BATCH))


def _read(address: str, digest: str, form: int, content: str) -> Resource:
    if hashlib.sha256(content.encode()).hexdigest() != digest:
        raise StoreDamagedError(
            f"{address} in the store is not what was applied: its digest differs",
            "restore a backup of the store",
        )
    return forms.read(form, content, address)


def _damaged(revision: int) -> StoreDamagedError:
    return StoreDamagedError(
        f"revision {revision} in the store does not agree with its digest",
        "restore a backup of the store",
    )


def _revision_row(made: Revision) -> dict[str, object]:
    fields = msgspec.structs.asdict(made.info)
    del fields["config"], fields["environment"]
    return {
        **fields,
        "revision": made.revision,
        "base": made.base,
        "digest": made.digest,
        "counts": msgspec.json.encode(made.info.counts).decode(),
    }


def _revision(row: RowMapping) -> Revision:
    fields = {name: row[name] for name in CommitInfo.__struct_fields__}
    fields["counts"] = msgspec.json.decode(row["counts"], type=dict[str, int])
    return Revision(
        revision=row["revision"],
        base=row["base"],
        digest=row["digest"],
        info=CommitInfo(**fields),
    )
