"""Delivers rows to the store; one that it cannot take does not hold up the others.

A bad row does not get better by waiting: it is found by halving what it came with, and set aside.
Each function returns what was set aside, as the reason of each row. Whatever else is wrong with the
store is raised, and then the rows wait.
"""

from __future__ import annotations

from collections.abc import Sequence

from modelops.ledger.segment_queue import Batch
from modelops.metering.attempt import Attempt
from modelops.store.blocks import attempts_of
from modelops.store.books import BooksStore
from modelops.store.protocol import StoreRefusedError


async def deliver_batch(batch: Batch, store: BooksStore) -> list[str]:
    """Deliver a batch of a journal to the store, and its mark once every row is there."""
    try:
        await store.add_journalled(batch.blocks, batch.mark)
    except StoreRefusedError:
        rows = [row for block in batch.blocks for row in attempts_of(block)]
        refused = await deliver(rows, store)
        await store.add_journalled([], batch.mark)
        return [*batch.refused, *refused]
    return batch.refused


async def deliver(rows: Sequence[Attempt], store: BooksStore) -> list[str]:
    """Deliver rows to the store; it passes over those that it has."""
    try:
        await store.add_attempts(rows)
    except StoreRefusedError as error:
        if len(rows) < 2:
            return [error.message]
        half = len(rows) // 2
        return await deliver(rows[:half], store) + await deliver(rows[half:], store)
    return []
