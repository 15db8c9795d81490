"""Adding attempts up once, so that reports need not: in the transaction that inserts them.

A batch of attempts is added up in memory and what it comes to is added to the rows of its groups.
So rollups are never behind, whatever comes late, and outlive the attempts. Rows are written in one
order everywhere: writers on Postgres wait for each other, and never in a circle.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Table, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from modelops.store import upsert
from modelops.store.cubes import CUBES
from modelops.store.tables import (
    MEASURES,
    MONEY_PART,
    SUMMED,
    rollup_durations,
    rollups,
    usage_groups,
)
from modelops.store.tally import COLUMNS, Tallies, project, without_user

_LOOKED_UP = 1_000
"""Groups in one query: SQLite takes 32,766 values in a statement."""

_STATEMENTS: dict[tuple[str, str], str] = {}
"""By table and dialect: compiled once, because this runs in the serving process."""


async def add(connection: AsyncConnection, tallies: Tallies) -> None:
    """Add what attempts come to, none of which was in the table before."""
    if not tallies:
        return
    coarse = without_user(tallies)
    sums: list[tuple[object, ...]] = []
    durations: list[tuple[object, ...]] = []
    for cube in CUBES:
        found = project(tallies if "user" in cube.columns else coarse, cube)
        groups = await _groups(connection, cube.name, found)
        for place in sorted(found):
            key, added = (cube.name, place.unit, groups[place.values]), found[place]
            money = (
                part for pico in added.sums[len(MEASURES) :] for part in divmod(pico, MONEY_PART)
            )
            sums.append((*key, *added.sums[: len(MEASURES)], *money))
            latency, first_content = added.latency, added.first_content
            durations += [
                (*key, bucket, latency.get(bucket, 0), first_content.get(bucket, 0))
                for bucket in sorted({*latency, *first_content})
            ]
    await _add_to(connection, rollups, 3, SUMMED, sums)
    await _add_to(connection, rollup_durations, 4, ("latency", "first_content"), durations)


async def _groups(
    connection: AsyncConnection, cube: str, found: Tallies
) -> dict[tuple[str | int, ...], int]:
    """Return the ids of groups, making those that are new."""
    groups = sorted({place.values for place in found})
    await connection.execute(
        upsert.insert(usage_groups, connection.dialect).on_conflict_do_nothing(),
        [{"cube": cube, **dict(zip(COLUMNS, values, strict=True))} for values in groups],
    )
    columns = [usage_groups.c[name] for name in COLUMNS]
    query = select(usage_groups.c.group_id, *columns).where(usage_groups.c.cube == cube)
    ids: dict[tuple[str | int, ...], int] = {}
    for start in range(0, len(groups), _LOOKED_UP):
        asked = tuple_(*columns).in_(groups[start : start + _LOOKED_UP])
        ids |= {tuple(row[1:]): row[0] for row in await connection.execute(query.where(asked))}
    return ids


async def _add_to(
    connection: AsyncConnection,
    table: Table,
    keys: int,
    sums: Sequence[str],
    rows: list[tuple[object, ...]],
) -> None:
    """Add to the rows that are there already, insert those that are not.

    `keys` says how many of a row's columns are its key; the others are `sums`.
    """
    dialect = connection.dialect
    statement = _STATEMENTS.get((table.name, dialect.name))
    if statement is None:
        inserted = upsert.insert(table, dialect)
        added = inserted.on_conflict_do_update(
            index_elements=[column.name for column in table.columns][:keys],
            set_={name: table.c[name] + inserted.excluded[name] for name in sums},
        )
        statement = _STATEMENTS[table.name, dialect.name] = str(added.compile(dialect=dialect))
    if rows:
        await connection.exec_driver_sql(statement, rows)
