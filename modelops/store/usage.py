"""Adding up the books: from rollups where a cube answers, from attempts where none does.

A span is cut into whole units of the longest cube, what is left of it at its ends into whole units
of the next, and what is left then is read from the attempts. Where an end lies in the second half
of a unit, the whole unit is added and the rest of it taken away: the shorter part is the one that
is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, select

from modelops.store import retention
from modelops.store.books import SLOT_US, Selection, UsageGroup
from modelops.store.cells import Groups, LabelVersions, read_cells, start_of, streamed
from modelops.store.cubes import Cube, cubes_for
from modelops.store.measures import SUMS, dimensions, matches, packed_sums
from modelops.store.tables import attempts
from modelops.store.weeks import add_week, weeks_in_use


class Span(NamedTuple):
    """From `start_us`, inclusive, to `end_us`, exclusive; added, or with `sign` -1 taken away."""

    start_us: int
    end_us: int
    sign: int = 1


def sums(connection: Connection, selection: Selection) -> list[UsageGroup]:
    """Return the sums of every group that are not all 0."""
    groups, surplus = Groups(), Groups()
    behind_us = retention.newest_us(connection) + 1
    rest = [Span(selection.since_us, min(selection.until_us, behind_us))]
    for cube in cubes_for(selection):
        ends: list[Span] = []
        for span in rest:
            whole, *others = _cut(span, cube.unit_us, behind_us)
            if whole.start_us < whole.end_us:
                sides = (groups, surplus) if span.sign > 0 else (surplus, groups)
                ends += _from_cube(connection, cube, whole, selection, *sides)
            ends += others
        rest = ends
    rest = [span for span in rest if span.start_us < span.end_us]
    if rest:
        retention.require_kept(connection, min(span.start_us for span in rest))
    for span in rest:
        into = groups if span.sign > 0 else surplus
        _from_attempts(connection, span, selection, into)
    for key, much in surplus.items():
        groups[key].take_away(much)
    return [
        UsageGroup(key=tuple(map(str, values)), start_us=start, packed=found)
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


def _from_cube(
    connection: Connection,
    cube: Cube,
    span: Span,
    selection: Selection,
    added: Groups,
    surplus: Groups,
) -> list[Span]:
    """Add the groups of whole units; return those that are better added up from shorter ones."""
    units = range(span.start_us // cube.unit_us, span.end_us // cube.unit_us)
    if "revision" in selection.by and "revision" not in cube.columns:
        return [
            Span(week * cube.unit_us, (week + 1) * cube.unit_us, span.sign)
            for week in weeks_in_use(connection, units)
            if not add_week(connection, week, selection, added, surplus)
        ]
    start_of_unit = cache(lambda unit: start_of(selection, unit * cube.unit_us))
    place, versions = _version_place(selection), LabelVersions(selection)
    by = selection.by if place is None else (*selection.by, "agent")
    for rows in read_cells(connection, cube, units, by, selection.filters):
        *values, of_unit, packed, latency, first_content = zip(*rows, strict=True)
        if place is not None:
            agents = values.pop()
            values[place] = tuple(
                map(versions.__getitem__, zip(agents, values[place], strict=True))
            )
        keys = zip(map(start_of_unit, of_unit), *values, strict=True)
        added.add_stored(keys, packed, latency, first_content)
    return []


def _from_attempts(
    connection: Connection, span: Span, selection: Selection, groups: Groups
) -> None:
    known, started = dimensions(attempts), attempts.c.started_at_us
    starts = selection.starts
    step_us = 1 if any(us % SLOT_US for us in starts) else SLOT_US
    place, versions = _version_place(selection), LabelVersions(selection)
    by = selection.by if place is None else (*selection.by, "agent")
    keys = [known[name] for name in by]
    if starts:
        keys.append(started // step_us)
    within = (
        started >= span.start_us,
        started < span.end_us,
        *matches(attempts, selection.filters),
    )

    for rows in streamed(connection, _grouped(keys, SUMS).where(*within)):
        for row in rows:
            values, found = list(row[: len(keys)]), row[len(keys) :]
            if found[0] is None:  # a sum of no row at all
                continue
            start = start_of(selection, values.pop() * step_us) if starts else None
            if place is not None:
                agent = values.pop()
                values[place] = versions[agent, values[place]]
            groups[(start, *values)].add(packed_sums(found))


def _version_place(selection: Selection) -> int | None:
    """Return which value of a group is a version of labels."""
    if selection.label_versions is None or "revision" not in selection.by:
        return None
    return selection.by.index("revision")


def _grouped(
    keys: Sequence[ColumnElement[Any]], values: Sequence[ColumnElement[Any]]
) -> Select[*tuple[Any, ...]]:
    labels = [key.label(f"key_{number}") for number, key in enumerate(keys)]
    return select(*labels, *values).group_by(*labels)
