"""INSERT with ON CONFLICT: SQLite and Postgres write it alike, SQLAlchemy once for each.

The Postgres dialect takes 50 ms to import, so a store on SQLite does without.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import Connection, Dialect, Table
from sqlalchemy.dialects import sqlite

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql


def insert(table: Table, dialect: Dialect) -> postgresql.Insert | sqlite.Insert:
    """Return an INSERT of this database's kind."""
    if dialect.name == "postgresql":
        from sqlalchemy.dialects import postgresql

        return postgresql.insert(table)
    return sqlite.insert(table)


@functools.cache
def replacing(table: Table, dialect: Dialect) -> postgresql.Insert | sqlite.Insert:
    """Return an INSERT of whole rows, each over the one with the same primary key.

    It is made once: a statement and its columns refer to each other, and each would wait for the
    garbage collector.
    """
    statement = insert(table, dialect)
    keys = [column.name for column in table.primary_key]
    values: dict[str, Any] = {
        column.name: statement.excluded[column.name]
        for column in table.columns
        if column.name not in keys
    }
    return statement.on_conflict_do_update(index_elements=keys, set_=values)


def replace(connection: Connection, table: Table, rows: Sequence[msgspec.Struct]) -> None:
    """Write rows, each over the one with the same primary key; fields are named as columns."""
    if not rows:
        return
    connection.execute(
        replacing(table, connection.dialect), [msgspec.structs.asdict(row) for row in rows]
    )
