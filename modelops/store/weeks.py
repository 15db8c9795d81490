"""Telling revisions apart in weeks by user, which are added up without them.

Which revisions an agent's attempts of a day are of stands in the cells of that day without users,
which are few. So the sums of a week are added to the version of labels (`Selection`) that most of
the agent's are of, and what is of another is read from the cells of its days, added to its own
version and taken away from that one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from itertools import repeat
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, func, select, tuple_

from modelops.resources.times import DAY_US
from modelops.store.books import Dimension, Selection
from modelops.store.cells import Groups, LabelVersions, read_cells, start_of
from modelops.store.cubes import DAY, DAY_ALL, WEEK_US, WEEK_USER
from modelops.store.measures import matches
from modelops.store.sums import Packed
from modelops.store.tables import rollups

_DAYS = WEEK_US // DAY_US

_PAIRS_AT_MOST = 450
"""Agents with a revision in a statement, which takes 999 variables in every SQLite."""


class _Occurrence(NamedTuple):
    """A revision that an agent's attempts of a day are of, and how many cells they have."""

    day: int
    agent: str
    revision: int
    cells: int


def weeks_in_use(connection: Connection, weeks: range) -> list[int]:
    """Return those of these weeks, numbered from 1970, that have attempts."""
    unit = rollups.c.unit
    days = connection.scalars(
        select(unit)
        .where(rollups.c.cube == DAY.name)
        .where(unit >= weeks.start * _DAYS, unit < weeks.stop * _DAYS)
        .distinct()
    )
    return sorted({day // _DAYS for day in days})


def add_week(
    connection: Connection, week: int, selection: Selection, added: Groups, surplus: Groups
) -> bool:
    """Add the groups of a week by revision; False if its days are the shorter way.

    What comes to be in `surplus` is to be taken away from `added`.
    """
    versions = LabelVersions(selection)
    days = range(week * _DAYS, (week + 1) * _DAYS)
    occurring = _occurring(connection, days, selection)
    most = _most(occurring, versions)
    others: dict[int, set[tuple[str, int]]] = {}
    foreign = 0
    for day, agent, revision, count in occurring:
        if versions[agent, revision] != most[agent]:
            others.setdefault(day, set()).add((agent, revision))
            foreign += count
    if foreign > sum(each.cells for each in occurring) / 2:
        return False
    by, filters = (*selection.by, "agent"), selection.filters
    place, start = by.index("revision"), start_of(selection, week * WEEK_US)
    for rows in read_cells(connection, WEEK_USER, range(week, week + 1), by, filters):
        *values, agents, _, sums, latency, first_content = zip(*rows, strict=True)
        values[place] = tuple(map(most.__getitem__, agents))
        keys = zip(repeat(start, len(rows)), *values, strict=True)
        added.add_stored(keys, sums, latency, first_content)
    for day, pairs in others.items():
        at = range(day, day + 1)
        for rows in read_cells(connection, DAY_ALL, at, by, filters, _among(pairs)):
            for *values, agent, _, sums, latency, first_content in rows:
                if (agent, values[place]) in pairs:
                    cell = Packed()
                    cell.add_stored(sums, latency, first_content)
                    values[place] = versions[agent, values[place]]
                    added[(start, *values)].add(cell)
                    values[place] = most[agent]
                    surplus[(start, *values)].add(cell)
    return True


def _occurring(connection: Connection, days: range, selection: Selection) -> list[_Occurrence]:
    columns = rollups.c
    by = (columns.unit, columns.agent, columns.revision)
    filters: dict[Dimension, tuple[str, ...]] = {**selection.filters}
    filters.pop("user", None)
    found = connection.execute(
        select(*by, func.count())
        .where(columns.cube == DAY.name, columns.unit.between(days.start, days.stop - 1))
        .where(*matches(rollups, filters))
        .group_by(*by)
    )
    return [_Occurrence(*row) for row in found]


def _most(occurring: Sequence[_Occurrence], versions: LabelVersions) -> dict[str, int]:
    """Return the version that most cells of each agent are of."""
    found: dict[str, Counter[int]] = {}
    for _, agent, revision, count in occurring:
        found.setdefault(agent, Counter())[versions[agent, revision]] += count
    return {agent: counts.most_common(1)[0][0] for agent, counts in found.items()}


def _among(pairs: Collection[tuple[str, int]]) -> ColumnElement[bool]:
    """Return a condition that cells of these agents and revisions meet, and not many else."""
    columns = rollups.c
    if len(pairs) <= _PAIRS_AT_MOST:
        return tuple_(columns.agent, columns.revision).in_(pairs)
    revisions = {revision for _, revision in pairs}
    return columns.revision.between(min(revisions), max(revisions))
