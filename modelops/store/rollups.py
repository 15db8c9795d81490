"""Adding attempts up once, so that reports need not: slot by slot, as each one is over.

Rollups only ever grow: what a slot's attempts add up to is added to the rows of its groups. An
attempt that arrives after its slot was rolled (a journal of a dead worker, a store that was away)
is noted in the transaction that inserts it; reports read it from the attempts until the next run
has added it too. Each run is one short transaction, because the store has one writer at a time.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Table,
    and_,
    delete,
    func,
    literal,
    select,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from modelops.store import upsert
from modelops.store.books import SLOT_US
from modelops.store.cubes import CUBES, Cube
from modelops.store.measures import DURATIONS, STATUS, summed
from modelops.store.tables import (
    SUMMED,
    attempts,
    rollup_durations,
    rollup_late,
    rollup_state,
    rollups,
    usage_groups,
)

GRACE_US = 60_000_000
"""How long after its end a slot is rolled: rows of calls that began in it still arrive."""

ROWS_AT_ONCE = 1_000
"""Attempts in one transaction, if they do not all lie in one slot: a tenth of a second of the write
lock, a quarter at most (20,000 rows at 350 a slot; 0.4 and 0.7 s at twice as many)."""

_COLUMNS = ("provider", "model", "agent", "user", "chain", "revision", "status")
_KEYS = ["cube", "slot", "group_id"]


async def rolled_until(connection: AsyncConnection, *, hold: bool = False) -> int:
    """Return up to which slot attempts are rolled up, exclusive.

    `hold` keeps `roll` from passing a slot between this look and the end of the transaction: what
    inserts needs that, what reads has a snapshot.
    """
    state = select(rollup_state.c.rolled_until)
    if hold:
        state = state.with_for_update(read=True)
    return int(await connection.scalar(state) or 0)


async def note_late(connection: AsyncConnection, attempt_ids: Sequence[bytes]) -> None:
    """Note attempts that were inserted after their slot was rolled."""
    if attempt_ids:
        rows = [{"attempt_id": attempt_id} for attempt_id in attempt_ids]
        await connection.execute(rollup_late.insert(), rows)


async def roll(connection: AsyncConnection, now_us: int) -> bool:
    """Add the next attempts to the rollups; return whether there were any."""
    until = await _lock_state(connection)
    late = await _roll_late(connection)
    over = (now_us - GRACE_US) // SLOT_US
    oldest = await _oldest(connection, until * SLOT_US, 0)
    start = over if oldest is None else max(until, oldest // SLOT_US)
    if start >= over:
        await _advance(connection, max(until, over))
        return late
    end = over
    beyond = await _oldest(connection, start * SLOT_US, ROWS_AT_ONCE)
    if beyond is not None:
        end = min(over, max(start + 1, beyond // SLOT_US))
    started = attempts.c.started_at_us
    await _add(connection, and_(started >= start * SLOT_US, started < end * SLOT_US))
    await _advance(connection, end)
    return True


async def _lock_state(connection: AsyncConnection) -> int:
    """Return how far attempts are rolled up, holding the write lock from the first statement."""
    statement = upsert.insert(rollup_state, connection.dialect).values(id=1, rolled_until=0)
    await connection.execute(
        statement.on_conflict_do_update(
            index_elements=["id"], set_={"rolled_until": rollup_state.c.rolled_until}
        )
    )
    return int(await connection.scalar(select(rollup_state.c.rolled_until)) or 0)


async def _advance(connection: AsyncConnection, until: int) -> None:
    await connection.execute(rollup_state.update().values(rolled_until=until))


async def _oldest(connection: AsyncConnection, since_us: int, skipped: int) -> int | None:
    """Return when the oldest attempt since a time started, after so many others."""
    started = attempts.c.started_at_us
    query = select(started).where(started >= since_us).order_by(started).offset(skipped).limit(1)
    found = await connection.scalar(query)
    return None if found is None else int(found)


async def _roll_late(connection: AsyncConnection) -> bool:
    late = select(rollup_late.c.attempt_id).order_by(rollup_late.c.attempt_id)
    ids = list(await connection.scalars(late.limit(ROWS_AT_ONCE)))
    if not ids:
        return False
    chosen = and_(
        attempts.c.attempt_id.in_(late.limit(ROWS_AT_ONCE)), attempts.c.attempt_id <= ids[-1]
    )
    await _add(connection, chosen)
    await connection.execute(delete(rollup_late).where(rollup_late.c.attempt_id <= ids[-1]))
    return True


async def _add(connection: AsyncConnection, chosen: ColumnElement[bool]) -> None:
    for cube in CUBES:
        await _add_to(connection, cube, chosen)


async def _add_to(connection: AsyncConnection, cube: Cube, chosen: ColumnElement[bool]) -> None:
    """Add the chosen attempts to the groups of a cube, making those that are new."""
    values = [_value(name, cube).label(name) for name in _COLUMNS]
    distinct = select(literal(cube.name), *values).where(chosen).distinct()
    groups = upsert.insert(usage_groups, connection.dialect)
    await connection.execute(
        groups.from_select(["cube", *_COLUMNS], distinct).on_conflict_do_nothing()
    )
    slot = (attempts.c.started_at_us // cube.unit.us).label("slot")
    sums = [value.label(name) for name, value in zip(SUMMED, summed(), strict=True)]
    added = select(*values, slot, *sums).where(chosen).group_by(*values, slot)
    await _upsert(connection, cube, rollups, added.subquery(), _KEYS, SUMMED)
    counted = union_all(
        *(
            select(
                *values,
                slot,
                bucket.label("bucket"),
                literal(int(name == "latency")).label("latency"),
                literal(int(name == "first_content")).label("first_content"),
            ).where(chosen, condition)
            for name, bucket, condition in DURATIONS
        )
    ).subquery()
    names = [name for name, _, _ in DURATIONS]
    by = [counted.c[name] for name in (*_COLUMNS, "slot", "bucket")]
    grouped = select(*by, *(func.sum(counted.c[name]).label(name) for name in names)).group_by(*by)
    keys = [*_KEYS, "bucket"]
    await _upsert(connection, cube, rollup_durations, grouped.subquery(), keys, names)


async def _upsert(
    connection: AsyncConnection,
    cube: Cube,
    table: Table,
    added: FromClause,
    keys: Sequence[str],
    sums: Sequence[str],
) -> None:
    """Add rows that were added up by a cube's values to those of its groups."""
    own = {"cube": literal(cube.name), "group_id": usage_groups.c.group_id}
    key = [own[name] if name in own else added.c[name] for name in keys]
    rows = select(*key, *(added.c[name] for name in sums)).where(
        usage_groups.c.cube == cube.name,
        *(usage_groups.c[name] == added.c[name] for name in _COLUMNS),
    )
    statement = upsert.insert(table, connection.dialect).from_select([*keys, *sums], rows)
    await connection.execute(
        statement.on_conflict_do_update(
            index_elements=list(keys),
            set_={name: table.c[name] + statement.excluded[name] for name in sums},
        )
    )


def _value(name: str, cube: Cube) -> ColumnElement[str] | ColumnElement[int]:
    """Return what a column of a group holds: nothing, where the cube does not keep it."""
    if name not in cube.columns:
        return literal(0) if name == "revision" else literal("")
    return STATUS if name == "status" else attempts.c[name]
