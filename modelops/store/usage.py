"""Adding up the books: from rollups where a cube answers, from attempts where none does.

A span is cut into whole units of the longest cube, what is left of it at its ends into whole units
of the next, and what is left then is read from the attempts. Where an end lies in the second half
of a unit, the whole unit is added and the rest of it taken away: the shorter part is the one that
is read. Rows are streamed: a report needs the memory of its groups, however long it is.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import AsyncIterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.ext.asyncio import AsyncConnection

from modelops.store import retention
from modelops.store.books import SLOT_US, Selection, UsageGroup
from modelops.store.cubes import Cube, cubes_for
from modelops.store.measures import DURATIONS, SUMS, WEIGHT, dimensions, matches, packed_sums
from modelops.store.sums import Packed, counted
from modelops.store.tables import attempts, rollups

Key = tuple[Any, ...]
"""A start, or None without any, and the values of a group."""

Groups = dict[Key, Packed]


class Span(NamedTuple):
    """From `start_us`, inclusive, to `end_us`, exclusive; added, or with `sign` -1 taken away."""

    start_us: int
    end_us: int
    sign: int = 1


ROWS_AT_ONCE = 2_000
"""Rows between two looks at what else there is to do: two to four milliseconds."""


async def sums(connection: AsyncConnection, selection: Selection) -> list[UsageGroup]:
    """Return the sums of every group that are not all 0."""
    groups: Groups = {}
    surplus: Groups = {}
    behind_us = await retention.newest_us(connection) + 1
    rest = [Span(selection.since_us, min(selection.until_us, behind_us))]
    for cube in cubes_for(selection):
        ends: list[Span] = []
        for span in rest:
            whole, *others = _cut(span, cube.unit_us, behind_us)
            if whole.start_us < whole.end_us:
                into = groups if span.sign > 0 else surplus
                await _from_cube(connection, cube, whole, selection, into)
            ends += others
        rest = ends
    rest = [span for span in rest if span.start_us < span.end_us]
    if rest:
        await retention.require_kept(connection, min(span.start_us for span in rest))
    for span in rest:
        into = groups if span.sign > 0 else surplus
        await _from_attempts(connection, span, selection, into)
    for key, much in surplus.items():
        groups[key].take_away(much)
    return [
        UsageGroup(key=tuple(map(str, values)), start_us=start, sums=found.unpack())
        for (start, *values), found in groups.items()
        if found
    ]


def _cut(span: Span, unit_us: int, behind_us: int) -> list[Span]:
    """Return the whole units nearest to a span, then what they lack of it or have too much.

    No row lies at `behind_us` or later, so what is there need not be read.
    """
    start_us, end_us, sign = span
    found = [[Span(start_us, start_us, sign), span]]
    for first_us in _nearest(start_us, unit_us):
        for last_us in _nearest(end_us, unit_us):
            if first_us < last_us:
                ends = [
                    Span(start_us, first_us, sign)
                    if start_us < first_us
                    else Span(first_us, start_us, -sign),
                    Span(last_us, end_us, sign)
                    if last_us < end_us
                    else Span(end_us, min(last_us, behind_us), -sign),
                ]
                found.append([Span(first_us, last_us, sign), *ends])
    return min(found, key=_left_us)


def _nearest(us: int, unit_us: int) -> tuple[int, int]:
    return us // unit_us * unit_us, -(-us // unit_us) * unit_us


def _left_us(spans: Sequence[Span]) -> int:
    return sum(span.end_us - span.start_us for span in spans[1:])


async def _from_cube(
    connection: AsyncConnection, cube: Cube, span: Span, selection: Selection, groups: Groups
) -> None:
    known, unit = dimensions(rollups, selection.eras), rollups.c.unit
    starts = selection.starts
    keys = [known[name] for name in selection.by]
    query = (
        select(*keys, unit, rollups.c.sums, rollups.c.latency, rollups.c.first_content)
        .where(rollups.c.cube == cube.name)
        .where(unit >= span.start_us // cube.unit_us, unit < span.end_us // cube.unit_us)
        .where(*matches(rollups, selection.filters))
    )
    start_of = {
        number: starts[bisect_right(starts, number * cube.unit_us) - 1] if starts else None
        for number in range(span.start_us // cube.unit_us, span.end_us // cube.unit_us)
    }
    async for rows in _streamed(connection, query):
        for *values, number, packed, latency, first_content in rows:
            found = _found(groups, (start_of[number], *values))
            found.add_stored(packed, latency, first_content)


async def _from_attempts(
    connection: AsyncConnection, span: Span, selection: Selection, groups: Groups
) -> None:
    known, started = dimensions(attempts, selection.eras), attempts.c.started_at_us
    starts = selection.starts
    step_us = 1 if any(us % SLOT_US for us in starts) else SLOT_US
    keys = [known[name] for name in selection.by]
    if starts:
        keys.append(started // step_us)
    within = (
        started >= span.start_us,
        started < span.end_us,
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
                found = group_of(row[: len(keys)])
                found.sums += packed_sums(row[len(keys) :])
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
