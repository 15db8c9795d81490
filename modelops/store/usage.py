"""Adding up the books: from rollups where a cube answers, from attempts where none does.

A span is cut into whole days, whole quarters of an hour at its ends, and what is left of it, which
is read from the attempts. The last unit counts as whole if there is no attempt behind the span.
Rows are streamed: a report needs the memory of its groups, however long it is.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import AsyncIterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.ext.asyncio import AsyncConnection

from modelops.store import retention
from modelops.store.books import SLOT_US, Selection, UsageGroup
from modelops.store.cubes import Cube, cubes_for
from modelops.store.measures import DURATIONS, SUMS, WEIGHT, dimensions, matches, packed_sums
from modelops.store.sums import Packed, counted, loaded, loaded_counts
from modelops.store.tables import attempts, rollups

Key = tuple[Any, ...]
"""A start, or None without any, and the values of a group."""

Groups = dict[Key, Packed]

Span = tuple[int, int]
"""From, inclusive, to, exclusive: Unix microseconds, or units of a cube."""

ROWS_AT_ONCE = 2_000
"""Rows between two looks at what else there is to do: two to four milliseconds."""


async def sums(connection: AsyncConnection, selection: Selection) -> list[UsageGroup]:
    """Return the sums of every group that has a row."""
    groups: Groups = {}
    newest_us = await retention.newest_us(connection)
    rest = [(selection.since_us, selection.until_us)]
    for cube in cubes_for(selection):
        ends: list[Span] = []
        for start, end in rest:
            first, last = -(-start // cube.unit_us), end // cube.unit_us
            if newest_us < end:
                last = -(-end // cube.unit_us)
            if first < last:
                await _from_cube(connection, cube, (first, last), selection, groups)
                ends += [(start, first * cube.unit_us), (last * cube.unit_us, end)]
            else:
                ends.append((start, end))
        rest = [(start, end) for start, end in ends if start < end]
    if rest:
        await retention.require_kept(connection, rest[0][0])
    for span in rest:
        await _from_attempts(connection, span, selection, groups)
    return [
        UsageGroup(key=tuple(map(str, values)), start_us=start, sums=found.unpack())
        for (start, *values), found in groups.items()
    ]


async def _from_cube(
    connection: AsyncConnection, cube: Cube, units: Span, selection: Selection, groups: Groups
) -> None:
    known, unit, starts = dimensions(rollups), rollups.c.unit, selection.starts
    keys = [known[name] for name in selection.by]
    query = (
        select(*keys, unit, rollups.c.sums, rollups.c.latency, rollups.c.first_content)
        .where(rollups.c.cube == cube.name, unit >= units[0], unit < units[1])
        .where(*matches(rollups, selection.filters))
    )
    async for rows in _streamed(connection, query):
        for *values, number, packed, latency, first_content in rows:
            start = starts[bisect_right(starts, number * cube.unit_us) - 1] if starts else None
            found = _found(groups, (start, *values))
            found.sums += loaded(packed)
            found.latency += loaded_counts(latency)
            found.first_content += loaded_counts(first_content)


async def _from_attempts(
    connection: AsyncConnection, span: Span, selection: Selection, groups: Groups
) -> None:
    known, started, starts = dimensions(attempts), attempts.c.started_at_us, selection.starts
    step_us = 1 if any(us % SLOT_US for us in starts) else SLOT_US
    keys = [known[name] for name in selection.by]
    if starts:
        keys.append(started // step_us)
    within = (
        started >= span[0],
        started < span[1],
        *matches(attempts, selection.filters),
    )

    def group_of(values: Sequence[Any]) -> Packed:
        if not starts:
            return _found(groups, (None, *values))
        *others, number = values
        return _found(groups, (starts[bisect_right(starts, number * step_us) - 1], *others))

    async for rows in _streamed(connection, _grouped(keys, SUMS).where(*within)):
        for row in rows:
            if row[-1] is not None:  # a sum of no row at all
                group_of(row[: len(keys)]).sums += packed_sums(row[len(keys) :])
    counted_rows = _grouped([*keys, *DURATIONS], [WEIGHT]).where(*within)
    async for rows in _streamed(connection, counted_rows):
        for *values, latency, first_content, weight in rows:
            found = group_of(values)
            if latency is not None:
                found.latency += counted(latency, int(weight))
            if first_content is not None:
                found.first_content += counted(first_content, int(weight))


def _grouped(
    keys: Sequence[ColumnElement[Any]], values: Sequence[ColumnElement[Any]]
) -> Select[*tuple[Any, ...]]:
    labels = [key.label(f"key_{number}") for number, key in enumerate(keys)]
    return select(*labels, *values).group_by(*labels)


async def _streamed(
    connection: AsyncConnection, query: Select[*tuple[Any, ...]]
) -> AsyncIterator[Sequence[Any]]:
    """Yield batches of rows; what is read at once is what is held in memory."""
    async with connection.stream(query) as result:
        async for rows in result.partitions(ROWS_AT_ONCE):
            yield rows


def _found(groups: Groups, key: Key) -> Packed:
    found = groups.get(key)
    if found is None:
        found = groups[key] = Packed()
    return found
