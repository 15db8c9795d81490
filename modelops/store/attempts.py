"""Attempts in SQL: blocks of them, inserted with statements that are compiled once.

This runs in the serving process, so it takes the driver's own executemany with tuples: 4 us of CPU
a row, where Core's insert takes 14 (measured with 3,000 rows).
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Dialect, and_, delete, func, or_, select
from sqlalchemy import insert as insert_into
from sqlalchemy.exc import IntegrityError

from modelops.metering.attempt import Attempt
from modelops.store import retention, rollups, upsert
from modelops.store.blocks import ROWS_AT_ONCE, attempts_of, block_of, rows_of
from modelops.store.books import Adjustment, AttemptCursor, Block, JournalMark, Selection
from modelops.store.columns import NAMES, attempt_of
from modelops.store.measures import matches
from modelops.store.tables import attempts, journals
from modelops.store.tally import merged


def insert(connection: Connection, blocks: Sequence[Block]) -> Sequence[Block]:
    """Insert rows, and add them to the rollups; those that are there already are passed over.

    Returns what was inserted.

    Which those are is looked up only when inserting finds one of them: after a crash, or after a
    commit whose answer was lost.
    """
    try:
        with connection.begin_nested():
            _insert(connection, blocks)
    except IntegrityError:
        unknown = _unknown(connection, blocks)
        blocks = [block_of(unknown)] if unknown else []
        _insert(connection, blocks)
    rollups.add(connection, merged([block.tallies for block in blocks]))
    return blocks


def _insert(connection: Connection, blocks: Sequence[Block]) -> None:
    """Insert the rows of blocks, those of the same columns together, on SQLite many at once."""
    dialect = connection.dialect
    found: dict[str, list[Any]] = {}
    for block in blocks:
        if dialect.name == "sqlite":
            for rows, values in ((ROWS_AT_ONCE, block.groups), (1, block.rest)):
                if values:
                    statement = _of_rows(block.names, block.shared, rows)
                    found.setdefault(statement, []).extend(values)
        else:
            names = tuple(name for name in NAMES if name in block.names)
            rows_of_block = map(itemgetter(*names), rows_of(block))
            found.setdefault(_statement(dialect, names), []).extend(rows_of_block)
    for statement, values in found.items():
        connection.exec_driver_sql(statement, values)


def _unknown(connection: Connection, blocks: Sequence[Block]) -> list[Attempt]:
    """Return those of the rows that are not in the table, each once."""
    by_id = {bytes.fromhex(row.attempt_id): row for block in blocks for row in attempts_of(block)}
    known = connection.scalars(
        select(attempts.c.attempt_id).where(attempts.c.attempt_id.in_(by_id))
    )
    for attempt_id in known:
        del by_id[attempt_id]
    return list(by_id.values())


def mark(connection: Connection, journal: JournalMark) -> None:
    """Note how much of a journal is in the table."""
    connection.execute(
        upsert.replacing(journals, connection.dialect),
        {"name": journal.journal, "consumed": journal.consumed},
    )


def marks(connection: Connection) -> dict[str, int]:
    """Return how much of each journal is consumed."""
    return {row.name: row.consumed for row in connection.execute(select(journals))}


def forget(connection: Connection, names: Sequence[str]) -> None:
    """Drop the marks of journals that are deleted."""
    connection.execute(delete(journals).where(journals.c.name.in_(names)))


def listed(
    connection: Connection, selection: Selection, limit: int, after: AttemptCursor | None
) -> list[Attempt]:
    """Return the newest attempts of a selection that stand behind a cursor.

    ModelopsError where some of its time were pruned: there would be fewer, or none.
    """
    retention.require_kept(connection, selection.since_us, "or ask for a report: it counts them")
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
    if selection.request_id:
        query = query.where(attempts.c.request_id == bytes.fromhex(selection.request_id))
    if after is not None:
        behind = and_(started == after.started_at_us, attempt_id < bytes.fromhex(after.attempt_id))
        query = query.where(started <= after.started_at_us).where(
            or_(started < after.started_at_us, behind)
        )
    return [attempt_of(row) for row in connection.execute(query).mappings()]


def adjusted(connection: Connection, attempt_ids: Sequence[str]) -> dict[str, Adjustment]:
    """Return what the adjustments of each of these attempts add up to; only those that have any.

    An adjustment names the attempt it corrects as its client's request.
    """
    total, part = attempts.c.cost_pico, attempts.c.input_cost_pico
    rows = connection.execute(
        select(attempts.c.client_request_id, func.sum(total), func.sum(part), func.count())
        .where(attempts.c.outcome == "adjusted", attempts.c.client_request_id.in_(attempt_ids))
        .group_by(attempts.c.client_request_id)
    )
    return {
        name: Adjustment(int(cost), int(of_input), count) for name, cost, of_input, count in rows
    }


@functools.cache
def _statement(dialect: Dialect, names: tuple[str, ...]) -> str:
    """Return the statement that inserts a row of these columns, which are in order."""
    return str(insert_into(attempts).compile(dialect=dialect, column_keys=list(names)))


@functools.lru_cache(128)  # as many as the driver keeps; each is of some KB
def _of_rows(names: tuple[str, ...], shared: int, rows: int) -> str:
    """Return SQLite's statement that inserts so many rows, which share their first columns.

    One parameter of those stands in every row, so they are numbered; without one, nameless.
    """
    own = len(names) - shared
    firsts = range(shared + 1, shared + 1 + rows * own, own)
    numbers = [(*range(1, shared + 1), *range(first, first + own)) for first in firsts]
    marks = [", ".join(f"?{n}" if shared else "?" for n in row) for row in numbers]
    columns, values = ", ".join(f'"{name}"' for name in names), "), (".join(marks)
    return f"INSERT INTO attempts ({columns}) VALUES ({values})"  # noqa: S608  # names of columns
