"""Adding up the books in SQL: from rollups where a cube answers, from attempts where none does.

A span is cut into whole units, which are read from the cube, and its two ends, which are not whole
and read from the attempts. The last unit counts as whole if there is no attempt behind the span.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from modelops.store import retention, tables
from modelops.store.books import SLOT_US, Dimension, Selection, Sums, UsageGroup
from modelops.store.cubes import Cube, cube_for
from modelops.store.measures import DIMENSIONS, DURATIONS, matches, model_name, summed
from modelops.store.tables import (
    MEASURES,
    MONEY,
    MONEY_PART,
    SUMMED,
    attempts,
    usage_groups,
)

Key = tuple[str | int, ...]
Columns = Sequence[ColumnElement[Any]]
Groups = dict[Key, Sums]


async def sums(connection: AsyncConnection, selection: Selection) -> list[UsageGroup]:
    """Return the sums of every group that has a row."""
    since, until = selection.since_us, selection.until_us
    started = attempts.c.started_at_us
    groups: Groups = {}
    cube = cube_for(selection)
    first = last = 0
    if cube is not None:
        us = cube.unit.us
        first, last = -(-since // us), until // us
        if await retention.newest_us(connection) < until:
            last = -(-until // us)
    if cube is not None and first < last:
        await _from_cube(connection, cube, (first, last), selection, groups)
        ends = [(since, first * us), (last * us, until)]
    else:
        ends = [(since, until)]
    ends = [(start, end) for start, end in ends if start < end]
    if ends:
        await retention.require_kept(connection, ends[0][0])
        chosen = or_(*(and_(started >= start, started < end) for start, end in ends))
        await _from_attempts(connection, chosen, selection, groups)
    return [_group(key, found, selection) for key, found in groups.items()]


async def _from_attempts(
    connection: AsyncConnection,
    chosen: ColumnElement[bool],
    selection: Selection,
    groups: Groups,
) -> None:
    keys = [DIMENSIONS[dimension] for dimension in selection.by]
    if selection.by_slot:
        keys.append(attempts.c.started_at_us // SLOT_US)
    conditions = [
        chosen,
        *(matches(dimension, values) for dimension, values in selection.filters.items()),
    ]
    query = _grouped(keys, summed()).where(*conditions)
    await _collect(connection, query, len(keys), groups)
    for name, bucket, condition in DURATIONS:
        counts = _grouped([*keys, bucket], [func.sum(attempts.c.weight)]).where(
            *conditions, condition
        )
        await _collect_durations(connection, counts, len(keys), [name], groups)


async def _from_cube(
    connection: AsyncConnection,
    cube: Cube,
    span: tuple[int, int],
    selection: Selection,
    groups: Groups,
) -> None:
    columns = _group_columns()
    keys: list[ColumnElement[Any]] = [columns[dimension] for dimension in selection.by]
    filters = [
        columns[dimension].in_([int(v) for v in values] if dimension == "revision" else values)
        for dimension, values in selection.filters.items()
    ]
    slots: tuple[str, ...] = ("slot",) if selection.by_slot else ()
    inner = _of_cube(cube, span, tables.rollups, slots, SUMMED)
    slot = [inner.c.slot] if selection.by_slot else []
    query = _grouped([*keys, *slot], [func.sum(inner.c[name]) for name in SUMMED])
    query = query.join_from(inner, usage_groups, usage_groups.c.group_id == inner.c.group_id)
    await _collect(connection, query.where(*filters), len(keys) + len(slot), groups)
    names = [name for name, _, _ in DURATIONS]
    inner = _of_cube(cube, span, tables.rollup_durations, (*slots, "bucket"), names)
    slot = [inner.c.slot] if selection.by_slot else []
    query = _grouped(
        [*keys, *slot, inner.c.bucket], [func.sum(inner.c[name]) for name in names]
    ).join_from(inner, usage_groups, usage_groups.c.group_id == inner.c.group_id)
    await _collect_durations(
        connection, query.where(*filters), len(keys) + len(slot), names, groups
    )


def _of_cube(
    cube: Cube,
    span: tuple[int, int],
    table: FromClause,
    keys: Sequence[str],
    sums: Sequence[str],
) -> FromClause:
    """Return the rows of a cube added up by group first: integers, and far fewer rows to join."""
    by = [table.c.group_id, *(table.c[name] for name in keys)]
    return (
        select(*by, *(func.sum(table.c[name]).label(name) for name in sums))
        .where(
            table.c.cube == cube.name,
            table.c.slot >= span[0],
            table.c.slot < span[1],
        )
        .group_by(*by)
        .subquery()
    )


def _group_columns() -> Mapping[Dimension, ColumnElement[Any]]:
    """Return the dimensions as the table of groups holds them."""
    columns = usage_groups.c
    return {
        **{name: columns[name] for name in DIMENSIONS},
        "model": model_name(columns.provider, columns.model),
    }


def _grouped(keys: Columns, values: Columns) -> Select[*tuple[Any, ...]]:
    labels = [key.label(f"key_{number}") for number, key in enumerate(keys)]
    return select(*labels, *values).group_by(*labels)


async def _collect(
    connection: AsyncConnection, query: Select[*tuple[Any, ...]], width: int, groups: Groups
) -> None:
    for row in await connection.execute(query):
        if row[width] is not None:  # an aggregate over no row at all
            groups.setdefault(tuple(row[:width]), Sums()).add(_sums(row[width:]))


async def _collect_durations(
    connection: AsyncConnection,
    query: Select[*tuple[Any, ...]],
    width: int,
    names: Sequence[str],
    groups: Groups,
) -> None:
    for row in await connection.execute(query):
        found = groups[tuple(row[:width])]
        for name, count in zip(names, row[width + 1 :], strict=True):
            counts: dict[int, int] = getattr(found, name)
            if count:
                counts[row[width]] = counts.get(row[width], 0) + int(count)


def _sums(values: Sequence[int]) -> Sums:
    named = {name: int(value) for name, value in zip(SUMMED, values, strict=True)}
    found = Sums()
    for name in MEASURES:
        setattr(found, name, named[name])
    for name in MONEY:
        setattr(found, name, named[f"{name}_large"] * MONEY_PART + named[f"{name}_small"])
    return found


def _group(key: Key, found: Sums, selection: Selection) -> UsageGroup:
    slot = int(key[-1]) if selection.by_slot else None
    values = key[:-1] if selection.by_slot else key
    return UsageGroup(key=tuple(str(value) for value in values), slot=slot, sums=found)
