"""Reading revisions in SQL: the head, whole states, the history.

A member is an interval of revisions, so any revision is one query. A revision never changes once
it is made, so reading the head and then its members is consistent without locking anything.
"""

from __future__ import annotations

import hashlib

import msgspec
from sqlalchemy import (
    ColumnElement,
    RowMapping,
    Select,
    and_,
    or_,
    select,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from modelops.resources import state as states
from modelops.resources.resolved import Agent, Resource, Settings
from modelops.store import forms
from modelops.store.books import LabelSpan
from modelops.store.protocol import (
    CommitInfo,
    Head,
    Revision,
    Snapshot,
    StoreDamagedError,
    StoreError,
)
from modelops.store.tables import members, resources, revisions, store

EMPTY_DIGEST = states.state_digest({})
NO_STORE = Head(
    store_id="", config="", environment="", revision=0, digest=EMPTY_DIGEST, config_digest=""
)
"""The head of a store that does not exist yet."""


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
        raise damaged(at.revision)
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


def _read(address: str, digest: str, form: int, content: str) -> Resource:
    if hashlib.sha256(content.encode()).hexdigest() != digest:
        raise StoreDamagedError(
            f"{address} in the store is not what was applied: its digest differs",
            "restore a backup of the store",
        )
    return forms.read(form, content, address)


def damaged(revision: int) -> StoreDamagedError:
    """Return the error of a revision whose members do not add up to its digest."""
    return StoreDamagedError(
        f"revision {revision} in the store does not agree with its digest",
        "restore a backup of the store",
    )


def _revision(row: RowMapping) -> Revision:
    fields = {name: row[name] for name in CommitInfo.__struct_fields__}
    fields["counts"] = msgspec.json.decode(row["counts"], type=dict[str, int])
    return Revision(
        revision=row["revision"],
        base=row["base"],
        digest=row["digest"],
        info=CommitInfo(**fields),
    )
