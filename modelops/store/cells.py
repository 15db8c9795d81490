"""Reading rollups cell by cell, and the groups that cells are added to.

Rows are streamed: a report needs the memory of its groups, however long it is, and there is an end
to how many groups it may have.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, select

from modelops.resources.errors import ModelopsError
from modelops.store.books import MAX_GROUPS, Dimension, Selection
from modelops.store.cubes import Cube
from modelops.store.measures import dimensions, matches
from modelops.store.sums import Packed
from modelops.store.tables import rollups

Key = tuple[Any, ...]
"""A start, or None without any, and the values of a group."""

ROWS_AT_ONCE = 2_000
"""Rows in memory; on Postgres, between two looks at what else there is to do: some 40 ms."""


class Groups(dict[Key, Packed]):
    """What is found; a group that is looked up is there from then on."""

    def __missing__(self, key: Key) -> Packed:
        """Make an empty group; ModelopsError when there are too many."""
        if len(self) == MAX_GROUPS:
            raise ModelopsError(
                f"a report has at most {MAX_GROUPS:,} groups, and this one has more",
                "group by less, shorten it, or filter by NAME:VALUE; /api/usage/export.csv has"
                " every attempt",
            )
        found = self[key] = Packed()
        return found

    def add_stored(self, keys: Iterable[Key], *stored: Iterable[bytes]) -> None:
        """Add cells: the keys of their groups, then what is stored, each as a column."""
        found = map(self.__getitem__, keys)
        for own, sums, latency, first_content in zip(found, *stored, strict=True):
            own.add_stored(sums, latency, first_content)


class LabelVersions(dict[tuple[str, int], int]):
    """What a report shows for an agent and a revision: that revision, or its version of labels."""

    def __init__(self, selection: Selection) -> None:
        super().__init__()
        self._versions = selection.label_versions

    def __missing__(self, at: tuple[str, int]) -> int:
        """Find the version of a revision that is met for the first time."""
        agent, revision = at
        if self._versions is not None:
            starts = self._versions.get(agent) or (0,)
            revision = starts[max(bisect_right(starts, revision), 1) - 1]
        self[at] = revision
        return revision


def start_of(selection: Selection, us: int) -> int | None:
    """Return which of a report's starts is that of a time; None when it has none."""
    starts = selection.starts
    return starts[bisect_right(starts, us) - 1] if starts else None


def read_cells(
    connection: Connection,
    cube: Cube,
    units: range,
    by: Sequence[Dimension],
    filters: Mapping[Dimension, tuple[str, ...]],
    *conditions: ColumnElement[bool],
) -> Iterator[Sequence[Any]]:
    """Return batches of cells: their values in the order of `by`, their unit, what is stored."""
    known, columns = dimensions(rollups), rollups.c
    query = select(
        *(known[name] for name in by),
        columns.unit,
        columns.sums,
        columns.latency,
        columns.first_content,
    ).where(
        columns.cube == cube.name,
        columns.unit.between(units.start, units.stop - 1),
        *matches(rollups, filters),
        *conditions,
    )
    return streamed(connection, query)


def streamed(connection: Connection, query: Select[*tuple[Any, ...]]) -> Iterator[Sequence[Any]]:
    """Yield batches of rows; what is read at once is what is held in memory."""
    with connection.execute(query, execution_options={"yield_per": ROWS_AT_ONCE}) as result:
        yield from result.partitions()
