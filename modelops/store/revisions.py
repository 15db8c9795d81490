"""Reading revisions: the head, whole states, the history, and the secrets beside them.

A member is an interval of revisions, so any revision is one query. A revision never changes once
it is made, so reading the head and then its members is consistent without locking anything.

Plain SQL, the same for SQLite and Postgres, and no SQLAlchemy: commands that plan or show read a
local store through the driver alone (`local_store.py`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import msgspec

from modelops.resources import state as states
from modelops.resources.resolved import Agent, Resource, Settings
from modelops.secrets.sealed import SealedSecret
from modelops.store import forms
from modelops.store.books import LabelSpan
from modelops.store.protocol import (
    CommitInfo,
    Head,
    Notes,
    Revision,
    Snapshot,
    StoreDamagedError,
    StoreError,
)
from modelops.store.schema import Query

EMPTY_DIGEST = states.state_digest({})
NO_STORE = Head(
    store_id="", config="", environment="", revision=0, digest=EMPTY_DIGEST, config_digest=""
)
"""The head of a store that does not exist yet."""

_HEAD = "SELECT store_id, config, environment, revision, digest, config_digest FROM store"
_PAST = "SELECT digest, config_digest FROM revisions WHERE revision = :revision"
_MEMBERS = """
SELECT m.address, m.digest, r.form, r.content, m.since, m.until
FROM members m JOIN resources r ON r.digest = m.digest
"""
_OF_REVISION = "WHERE m.since <= :revision AND (m.until IS NULL OR m.until > :revision)"
_HISTORY = """
SELECT r.revision, r.base, r.digest, r.kind, s.config, s.environment, r.config_digest,
       r.created_at_us, r.created_by, r.git_commit, r.message, r.tool_version, r.catalog, r.counts,
       r.notes
FROM revisions r JOIN store s ON s.id = 1
WHERE r.revision < :before ORDER BY r.revision DESC LIMIT :limit
"""
_SECRETS = """
SELECT address, field, kind, source_sha256, data_key_sha256, origin, blob, updated_at, deleted_at,
       replaced
FROM sealed_secrets
"""
_NO_REVISION_YET = 2**31 - 1


def head(query: Query) -> Head:
    """Return where the store stands."""
    rows = query(_HEAD, {})
    if not rows:
        raise StoreDamagedError("the store has no head row", "restore a backup of the store")
    return Head(**dict(zip(Head.__struct_fields__, rows[0], strict=True)))


def snapshot(query: Query, revision: int | None) -> Snapshot:
    """Return a revision whole, the head's when None, checked against its digests."""
    at = head(query)
    if revision is not None and revision != at.revision:
        at = _past(query, at, revision)
    rows = query(_MEMBERS + _OF_REVISION, {"revision": at.revision})
    if states.state_digest({row[0]: row[1] for row in rows}) != at.digest:
        raise damaged(at.revision)
    return Snapshot(head=at, state={row[0]: _read(*row[:4]) for row in rows})


def nothing(revision: int | None, place: str) -> Snapshot:
    """Return the snapshot of a store that does not exist yet; StoreError for any past revision."""
    if revision:
        raise StoreError(f"there is no revision {revision}: {place} is empty")
    return Snapshot(head=NO_STORE, state={})


def settings(query: Query) -> Settings | None:
    """Return the settings of the head, without reading the rest of it."""
    rows = _of_kind(query, "config/%", "AND m.until IS NULL")
    found = _read(*rows[0][:4]) if rows else None
    return found if isinstance(found, Settings) else None


def agent_labels(query: Query) -> list[LabelSpan]:
    """Return the labels that every agent has and had."""
    spans = []
    for *content, since, until in _of_kind(query, "agent/%"):
        agent = _read(*content)
        if isinstance(agent, Agent) and agent.labels:
            spans.append(
                LabelSpan(agent=agent.agent, since=since, until=until, labels=agent.labels)
            )
    return spans


def history(query: Query, limit: int, before: int | None = None) -> list[Revision]:
    """Return the newest revisions first, those below `before` when it is given."""
    values = {"limit": limit, "before": _NO_REVISION_YET if before is None else before}
    return [_revision(*row) for row in query(_HISTORY, values)]


def secrets(query: Query) -> list[SealedSecret]:
    """Return every sealed secret, by place."""
    names = SealedSecret.__struct_fields__
    rows = [
        msgspec.convert(dict(zip(names, row, strict=True)), SealedSecret)
        for row in query(_SECRETS, {})
    ]
    return sorted(rows, key=lambda row: row.place)


def damaged(revision: int) -> StoreDamagedError:
    """Return the error of a revision whose members do not add up to its digest."""
    return StoreDamagedError(
        f"revision {revision} in the store does not agree with its digest",
        "restore a backup of the store",
    )


def _past(query: Query, now: Head, revision: int) -> Head:
    """Return the head as it was at an earlier revision."""
    if revision == 0:
        return msgspec.structs.replace(now, revision=0, digest=EMPTY_DIGEST, config_digest="")
    rows = query(_PAST, {"revision": revision})
    if not rows:
        raise StoreError(
            f"there is no revision {revision}; the store stands at {now.revision}",
            "`modelops history` lists them",
        )
    digest, config_digest = rows[0]
    return msgspec.structs.replace(
        now, revision=revision, digest=digest, config_digest=config_digest
    )


def _of_kind(query: Query, addresses: str, further: str = "") -> Sequence[Any]:
    return query(f"{_MEMBERS} WHERE m.address LIKE :addresses {further}", {"addresses": addresses})


def _read(address: str, digest: str, form: int, content: str) -> Resource:
    if hashlib.sha256(content.encode()).hexdigest() != digest:
        raise StoreDamagedError(
            f"{address} in the store is not what was applied: its digest differs",
            "restore a backup of the store",
        )
    return forms.read(form, content, address)


def _revision(revision: int, base: int, digest: str, *info: Any) -> Revision:
    *told, notes = info
    fields = dict(zip(CommitInfo.__struct_fields__, told, strict=True))
    fields["counts"] = msgspec.json.decode(fields["counts"], type=dict[str, int])
    return Revision(
        revision=revision,
        base=base,
        digest=digest,
        info=CommitInfo(**fields),
        notes=msgspec.json.decode(notes, type=Notes),
    )
