"""Adding attempts up once, so that reports need not: quarter-hours and days that are over.

A unit is rolled when it has ended. An attempt that arrives later (a journal of a dead worker, a
store that was away) makes its unit dirty, in the transaction that inserts it: reports read dirty
units from the attempts until they are rolled again.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, and_, delete, func, insert, literal, select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from modelops.store import upsert
from modelops.store.cubes import CUBES, UNITS, Cube, Unit
from modelops.store.measures import DURATIONS, STATUS, summed
from modelops.store.tables import (
    SUMMED,
    attempts,
    rollup_dirty,
    rollup_durations,
    rollup_state,
    rollups,
    usage_groups,
)

GRACE_US = 60_000_000
"""How long after its end a unit is rolled: rows of calls that began in it still arrive."""

REDONE_AT_ONCE = 20
_GROUP_COLUMNS = ("provider", "model", "agent", "user", "chain", "revision", "status")


async def note_late(connection: AsyncConnection, started_us: Sequence[int]) -> None:
    """Mark the units dirty that are rolled already and got these attempts.

    The lock keeps a unit from being rolled between this look and the commit of the attempts.
    """
    states = await connection.execute(select(rollup_state).with_for_update(read=True))
    rolled = {row.unit: row.rolled_until for row in states}
    late = {
        (unit.name, moment // unit.us)
        for unit in UNITS
        for moment in started_us
        if moment // unit.us < rolled.get(unit.name, 0)
    }
    if late:
        statement = upsert.insert(rollup_dirty, connection.dialect).on_conflict_do_nothing()
        await connection.execute(
            statement, [{"unit": unit, "slot": slot} for unit, slot in sorted(late)]
        )


async def roll(connection: AsyncConnection, unit: Unit, now_us: int) -> bool:
    """Roll the next units that have ended, and dirty ones again; return whether any were."""
    rolled_until = await _lock_state(connection, unit)
    redone = await _redo(connection, unit)
    over = (now_us - GRACE_US) // unit.us
    start = await _next_unit(connection, unit, rolled_until)
    end = over if start is None else min(over, start + unit.batch)
    if end <= rolled_until:
        return redone
    for cube in CUBES:
        if cube.unit is unit and start is not None:
            await _insert(connection, cube, start, end)
    await connection.execute(
        rollup_state.update().where(rollup_state.c.unit == unit.name).values(rolled_until=end)
    )
    return start is not None


async def _lock_state(connection: AsyncConnection, unit: Unit) -> int:
    """Return how far this unit is rolled, holding the lock that `note_late` respects."""
    statement = upsert.insert(rollup_state, connection.dialect).values(
        unit=unit.name, rolled_until=0
    )
    await connection.execute(
        statement.on_conflict_do_update(
            index_elements=["unit"], set_={"rolled_until": rollup_state.c.rolled_until}
        )
    )
    query = select(rollup_state.c.rolled_until).where(rollup_state.c.unit == unit.name)
    return int(await connection.scalar(query) or 0)


async def _next_unit(connection: AsyncConnection, unit: Unit, rolled_until: int) -> int | None:
    """Return the first unit from here on that has an attempt, None when there is none."""
    oldest = select(func.min(attempts.c.started_at_us)).where(
        attempts.c.started_at_us >= rolled_until * unit.us
    )
    found = await connection.scalar(oldest)
    return None if found is None else int(found) // unit.us


async def _redo(connection: AsyncConnection, unit: Unit) -> bool:
    dirty = select(rollup_dirty.c.slot).where(rollup_dirty.c.unit == unit.name)
    slots = list(await connection.scalars(dirty.limit(REDONE_AT_ONCE)))
    for slot in slots:
        for cube in CUBES:
            if cube.unit is unit:
                for table in (rollup_durations, rollups):
                    await connection.execute(
                        delete(table).where(table.c.cube == cube.name, table.c.slot == slot)
                    )
                await _insert(connection, cube, slot, slot + 1)
        await connection.execute(
            delete(rollup_dirty).where(
                rollup_dirty.c.unit == unit.name, rollup_dirty.c.slot == slot
            )
        )
    return bool(slots)


async def _insert(connection: AsyncConnection, cube: Cube, start: int, end: int) -> None:
    """Add up the attempts of these units, by the cube's groups."""
    us = cube.unit.us
    inside = and_(attempts.c.started_at_us >= start * us, attempts.c.started_at_us < end * us)
    values = [_value(name, cube).label(name) for name in _GROUP_COLUMNS]
    await connection.execute(
        upsert.insert(usage_groups, connection.dialect)
        .from_select(
            ["cube", *_GROUP_COLUMNS],
            select(literal(cube.name), *values).where(inside).distinct(),
        )
        .on_conflict_do_nothing()
    )
    slot = attempts.c.started_at_us // us
    group = and_(
        usage_groups.c.cube == cube.name,
        *(usage_groups.c[name] == _value(name, cube) for name in _GROUP_COLUMNS),
    )
    keys = [literal(cube.name).label("cube"), slot.label("slot"), usage_groups.c.group_id]
    grouped = attempts.join(usage_groups, group)
    await connection.execute(
        insert(rollups).from_select(
            ["cube", "slot", "group_id", *SUMMED],
            select(*keys, *summed())
            .select_from(grouped)
            .where(inside)
            .group_by("slot", usage_groups.c.group_id),
        )
    )
    durations = union_all(
        *(
            select(
                *keys,
                bucket.label("bucket"),
                literal(int(name == "latency")).label("latency"),
                literal(int(name == "first_content")).label("first_content"),
            )
            .select_from(grouped)
            .where(inside, condition)
            for name, bucket, condition in DURATIONS
        )
    ).subquery()
    columns = [durations.c.cube, durations.c.slot, durations.c.group_id, durations.c.bucket]
    await connection.execute(
        insert(rollup_durations).from_select(
            ["cube", "slot", "group_id", "bucket", "latency", "first_content"],
            select(
                *columns, func.sum(durations.c.latency), func.sum(durations.c.first_content)
            ).group_by(*columns),
        )
    )


def _value(name: str, cube: Cube) -> ColumnElement[str] | ColumnElement[int]:
    """Return what a column of a group holds: nothing, where the cube does not keep it."""
    if name not in cube.columns:
        return literal(0) if name == "revision" else literal("")
    return STATUS if name == "status" else attempts.c[name]
