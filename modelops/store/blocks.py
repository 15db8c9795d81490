"""Attempts as a driver takes them: worked out a few hundred at a time, when they have just come.

They wait for the store in this form, up to a second and some thousands together: it takes less
memory, and what an attempt is made of is still in the processor's caches.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

from modelops.metering.attempt import Attempt
from modelops.metering.batches import alike
from modelops.store.books import Block
from modelops.store.columns import BOOLS, NAMES, attempt_of, columns_of
from modelops.store.protocol import StoreRefusedError
from modelops.store.sums import Tallies
from modelops.store.tally import tally

BLOCK = 144
"""Rows that are worked out together: enough that what is done once for all of them is little for
each, and so few that they are still in the processor's caches and the event loop is not held up."""

_VARIABLES = 999
"""What a statement may take of them in every SQLite (sqlite.org/limits.html, number 9)."""

ROWS_AT_ONCE = _VARIABLES // len(NAMES)
"""Rows that are inserted with one step of a statement. SQLite's driver lets go of the interpreter
for every step and asks for it back: with a row in each, the thread that serves and the one that
inserts take turns at every row. More rows are no faster, and their statement takes more memory."""


_OFTEN_SHARED: tuple[tuple[str, ...], ...] = (
    ("agent", "chain"),
    ("provider", "model", "cost_source"),
    ("revision", "endpoint", "protocol"),
    ("position", "number"),
    ("usage_source", "outcome", "status", "error_class", "message", "final"),
    ("client_request_id", "user"),
    ("service_tier", "simulated", "weight"),
)
"""Columns that have one value each in many a block, those together that vary together. Of each
group all are bound once for many rows, or none: binding takes half the time of an insert, and
there are only so many statements. Few rows, which differ from block to block, share none."""

if (3, 12) <= sys.version_info < (3, 12, 4):  # whose driver warns of each (python/cpython#117995)
    _OFTEN_SHARED = ()


def block_of(attempts: Sequence[Attempt]) -> Block:
    """Return one or more attempts as a block.

    Columns that are NULL in all of them are left out, and there are no bools: SQLite's driver looks
    for an adapter for every value but numbers, text and bytearrays. Raises StoreRefusedError where
    a row has an id or a weight that none can have.
    """
    tallies: Tallies = {}
    try:
        columns = columns_of(attempts)
        tally(columns, tallies)
    except (ValueError, ArithmeticError) as error:
        raise StoreRefusedError(f"a row cannot be added up: {error}") from error
    known = {
        name: column
        for name, column in columns.items()
        if column[0] is not None or column.count(None) < len(column)
    }
    known |= {name: [1 if value else 0 for value in known[name]] for name in BOOLS}
    shared = {
        name: known.pop(name)[0]
        for names in (_OFTEN_SHARED if len(attempts) >= ROWS_AT_ONCE else ())
        if all(alike(known[name]) for name in names)
        for name in names
    }
    once, own = tuple(shared.values()), len(known)
    values: list[Any] = [None] * (own * len(attempts))
    for place, column in enumerate(known.values()):
        values[place::own] = column
    step = ROWS_AT_ONCE * own
    grouped = len(values) - len(values) % step
    groups = [(*once, *values[start : start + step]) for start in range(0, grouped, step)]
    rest = [(*once, *values[start : start + own]) for start in range(grouped, len(values), own)]
    return Block(len(attempts), (*shared, *known), len(shared), groups, rest, tallies)


async def blocks_of(rows: Sequence[Attempt]) -> list[Block]:
    """Work out what to insert, before a transaction is opened; others get their turn meanwhile."""
    blocks = []
    for start in range(0, len(rows), BLOCK):
        blocks.append(block_of(rows[start : start + BLOCK]))
        await asyncio.sleep(0)
    return blocks


def rows_of(block: Block) -> Iterator[dict[str, Any]]:
    """Yield the rows one by one, by name of the column, their bools as such."""
    names, own = block.names, len(block.names) - block.shared
    for values in chain(block.groups, block.rest):
        for start in range(block.shared, len(values), own):
            row = (*values[: block.shared], *values[start : start + own])
            found = dict(zip(names, row, strict=True))
            yield found | {name: bool(found[name]) for name in BOOLS}


def attempts_of(block: Block) -> Iterator[Attempt]:
    """Yield the attempts that a block was made of."""
    nothing = dict.fromkeys(NAMES)
    for row in rows_of(block):
        yield attempt_of(nothing | row)
