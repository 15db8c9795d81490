"""Adding attempts up once, so that reports need not: in the transaction that inserts them.

A batch of attempts is added up in memory, and what it comes to is added to the cells it belongs to:
those that are there are read, and all are written. So rollups are never behind, whatever comes
late, and outlive the attempts.
"""

from __future__ import annotations

from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Dialect, bindparam, select

from modelops.store import upsert
from modelops.store.books import SLOT_US
from modelops.store.cubes import CUBES, Cube
from modelops.store.sums import CellKey, Packed, Tallies, stored, stored_counts
from modelops.store.tables import CELL, rollup_state, rollups
from modelops.store.tally import COLUMNS, project, without_user

_STATEMENTS: dict[str, str] = {}
"""By dialect: compiled once, because this runs in the serving process."""

_CELLS = select(*(rollups.c[name] for name in (*CELL[1:], "sums", "latency", "first_content")))

_USER, _AGENT = COLUMNS.index("user"), COLUMNS.index("agent")
_OF_USERS = _CELLS.where(
    rollups.c.cube == bindparam("cube"),
    rollups.c.unit.in_(bindparam("units", expanding=True)),
    rollups.c.user.in_(bindparam("users", expanding=True)),
)
_OF_AGENTS = _OF_USERS.where(rollups.c.agent.in_(bindparam("agents", expanding=True)))


def add(connection: Connection, tallies: Tallies) -> None:
    """Add attempts to the rollups; none of them was in the table before.

    Writers on Postgres take turns from here to their commit: two that read the same cell would
    each write their own sum.
    """
    if not tallies:
        return
    connection.execute(select(rollup_state.c.id).with_for_update())
    coarse = without_user(tallies)
    rows: list[tuple[object, ...]] = []
    for cube in CUBES:
        found = project(tallies if "user" in cube.columns else coarse, cube)
        _add_known(connection, cube, found)
        rows += _rows(cube, found)
    connection.exec_driver_sql(_statement(connection.dialect), rows)


def fill(connection: Connection, cube: Cube, source: Cube) -> None:
    """Make a cube, of which there is nothing, from one of shorter units and no fewer columns."""
    here = rollups.c.cube == source.name
    numbers = connection.scalars(select(rollups.c.unit).where(here).distinct())
    for unit in sorted({number * source.unit_us // cube.unit_us for number in numbers}):
        first = unit * cube.unit_us // source.unit_us
        within = rollups.c.unit.between(first, first + cube.unit_us // source.unit_us - 1)
        found = connection.execute(_CELLS.where(here, within))
        tallies: Tallies = {}
        for number, *values, sums, latency, first_content in found:
            cell = tallies[CellKey(number * source.unit_us // SLOT_US, tuple(values))] = Packed()
            cell.add_stored(sums, latency, first_content)
        rows = _rows(cube, project(tallies, cube))
        connection.exec_driver_sql(_statement(connection.dialect), rows)


def _rows(cube: Cube, found: Tallies) -> list[tuple[object, ...]]:
    return [
        (
            cube.name,
            unit,
            *values,
            stored(cell.sums),
            stored_counts(cell.latency),
            stored_counts(cell.first_content),
        )
        for (unit, values), cell in sorted(found.items(), key=itemgetter(0))
    ]


def _add_known(connection: Connection, cube: Cube, found: Tallies) -> None:
    """Add what the cells hold that are there already.

    They are looked for by unit and user or agent, which their key begins with: that reads some
    that are not asked for, and needs no list of keys.
    """
    known = {
        "cube": cube.name,
        "units": list({key.unit for key in found}),
        "users": list({key.values[_USER] for key in found}),
        "agents": list({key.values[_AGENT] for key in found}),
    }
    query = _OF_USERS if "user" in cube.columns else _OF_AGENTS
    for unit, *values, sums, latency, first_content in connection.execute(query, known):
        cell = found.get(CellKey(unit, tuple(values)))
        if cell is not None:
            cell.add_stored(sums, latency, first_content)


def _statement(dialect: Dialect) -> str:
    statement = _STATEMENTS.get(dialect.name)
    if statement is None:
        inserted = upsert.insert(rollups, dialect)
        kept: dict[str, Any] = {
            name: inserted.excluded[name] for name in ("sums", "latency", "first_content")
        }
        added = inserted.on_conflict_do_update(index_elements=list(CELL), set_=kept)
        statement = _STATEMENTS[dialect.name] = str(added.compile(dialect=dialect))
    return statement
