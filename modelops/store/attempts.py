"""Attempts in SQL: one tuple per row, inserted with a statement that is compiled once.

This runs in the serving process, so it takes the driver's own executemany with tuples: 4 us of CPU
a row, where Core's insert takes 14 (measured with 3,000 rows).
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any, NamedTuple

from sqlalchemy import Dialect, and_, delete, func, or_, select
from sqlalchemy import insert as insert_into
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from modelops.metering.attempt import Attempt
from modelops.store import rollups, upsert
from modelops.store.books import Adjustment, AttemptCursor, JournalMark, Selection
from modelops.store.columns import Columns, attempt_of, columns_of, values_of
from modelops.store.measures import matches
from modelops.store.tables import attempts, journals
from modelops.store.tally import Tallies, tally

_VARIABLES = 999
"""What a statement may take of them in every SQLite; since 3.32 it is 32,766."""

_BOOLS = ("stream", "final", "simulated")

_PREPARED_AT_ONCE = 500
"""Rows between two turns of the event loop: about 1 ms."""


class Prepared(NamedTuple):
    """Rows as the tables take them: a tuple of each by the columns in it; what they add up to."""

    rows: Sequence[Attempt]
    values: dict[tuple[str, ...], list[tuple[Any, ...]]]
    tallies: Tallies


async def prepare(rows: Sequence[Attempt], dialect: Dialect) -> Prepared:
    """Work out what to insert, before a transaction is opened; others get their turn meanwhile."""
    prepared = Prepared(rows, {}, {})
    for start in range(0, len(rows), _PREPARED_AT_ONCE):
        chunk = rows[start : start + _PREPARED_AT_ONCE]
        columns = columns_of([values_of(row) for row in chunk])
        tally(columns, prepared.tallies)
        names, values = _for_driver(columns, dialect)
        prepared.values.setdefault(names, []).extend(values)
        await asyncio.sleep(0)
    return prepared


def _for_driver(
    columns: Columns, dialect: Dialect
) -> tuple[tuple[str, ...], Iterable[tuple[Any, ...]]]:
    """Return rows as a driver takes them, and the names of their columns.

    Columns that are NULL in all of them are left out, and SQLite's driver gets no bools:
    it takes 0.3 us to look for an adapter for every value but numbers, text and bytearrays.
    """
    known = {
        name: column
        for name, column in columns.items()
        if column[0] is not None or column.count(None) < len(column)
    }
    if dialect.name == "sqlite":
        known |= {name: tuple(map(int, known[name])) for name in _BOOLS}
    return tuple(known), zip(*known.values(), strict=True)


async def insert(connection: AsyncConnection, prepared: Prepared) -> None:
    """Insert rows, and add them to the rollups; those that are there already are passed over.

    Which those are is looked up only when inserting finds one of them: after a crash, or after a
    commit whose answer was lost.
    """
    try:
        async with connection.begin_nested():
            await _insert(connection, prepared)
    except IntegrityError:
        unknown = await _unknown(connection, prepared.rows)
        prepared = await prepare(unknown, connection.dialect)
        await _insert(connection, prepared)
    await rollups.add(connection, prepared.tallies)


async def _insert(connection: AsyncConnection, prepared: Prepared) -> None:
    """Insert rows, on SQLite many with one step of a statement.

    Its driver lets go of the interpreter for every step and asks for it back: with a row in each,
    the thread that serves and the one that inserts take turns at every row.
    """
    dialect = connection.dialect
    for names, values in prepared.values.items():
        at_once = _VARIABLES // len(names) if dialect.name == "sqlite" else 1
        grouped = len(values) - len(values) % at_once
        if at_once > 1 and grouped:
            groups = [
                tuple(chain.from_iterable(values[start : start + at_once]))
                for start in range(0, grouped, at_once)
            ]
            await connection.exec_driver_sql(_statement(dialect, names, at_once), groups)
            values = values[grouped:]
        if values:
            await connection.exec_driver_sql(_statement(dialect, names), values)


async def _unknown(connection: AsyncConnection, rows: Sequence[Attempt]) -> list[Attempt]:
    """Return those of the rows that are not in the table, each once."""
    by_id = {bytes.fromhex(row.attempt_id): row for row in rows}
    known = await connection.scalars(
        select(attempts.c.attempt_id).where(attempts.c.attempt_id.in_(by_id))
    )
    for attempt_id in known:
        del by_id[attempt_id]
    return list(by_id.values())


async def mark(connection: AsyncConnection, journal: JournalMark) -> None:
    """Note how much of a journal is in the table."""
    await connection.execute(
        upsert.replacing(journals, connection.dialect),
        {"name": journal.journal, "consumed": journal.consumed},
    )


async def marks(connection: AsyncConnection) -> dict[str, int]:
    """Return how much of each journal is consumed."""
    return {row.name: row.consumed for row in await connection.execute(select(journals))}


async def forget(connection: AsyncConnection, names: Sequence[str]) -> None:
    """Drop the marks of journals that are deleted."""
    await connection.execute(delete(journals).where(journals.c.name.in_(names)))


async def listed(
    connection: AsyncConnection, selection: Selection, limit: int, after: AttemptCursor | None
) -> list[Attempt]:
    """Return the newest attempts of a selection that stand behind a cursor."""
    started, attempt_id = attempts.c.started_at_us, attempts.c.attempt_id
    query = (
        select(attempts)
        .where(
            started >= selection.since_us,
            started < selection.until_us,
            *matches(attempts, selection.filters),
        )
        .order_by(started.desc(), attempt_id.desc())
        .limit(limit)
    )
    if after is not None:
        behind = and_(started == after.started_at_us, attempt_id < bytes.fromhex(after.attempt_id))
        query = query.where(started <= after.started_at_us).where(
            or_(started < after.started_at_us, behind)
        )
    return [attempt_of(row) for row in (await connection.execute(query)).mappings()]


async def adjusted(
    connection: AsyncConnection, attempt_ids: Sequence[str]
) -> dict[str, Adjustment]:
    """Return what the adjustments of each of these attempts add up to; only those that have any.

    An adjustment names the attempt it corrects as its client's request.
    """
    total, part = attempts.c.cost_pico, attempts.c.input_cost_pico
    rows = await connection.execute(
        select(attempts.c.client_request_id, func.sum(total), func.sum(part))
        .where(attempts.c.outcome == "adjusted", attempts.c.client_request_id.in_(attempt_ids))
        .group_by(attempts.c.client_request_id)
    )
    return {name: Adjustment(int(cost), int(cost_of_input)) for name, cost, cost_of_input in rows}


@functools.cache
def _statement(dialect: Dialect, names: tuple[str, ...], rows: int = 1) -> str:
    """Return the statement that inserts rows of these columns, so many of them with each step."""
    one = str(insert_into(attempts).compile(dialect=dialect, column_keys=list(names)))
    into, values = one.split(" VALUES ")
    return f"{into} VALUES {', '.join([values] * rows)}"
