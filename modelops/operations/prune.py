"""Retention: attempts from before a day are deleted, what they add up to is kept."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from modelops.ledger.periods import to_us
from modelops.resources.errors import ModelopsError
from modelops.store.books import MaintenanceStore

YOUNGEST = timedelta(days=2)
"""Younger rows stay: journals of workers that are gone may still add some of that time."""


def boundary_us(day: str, *, now_us: int) -> int:
    """Return when a day begins, in UTC; ModelopsError when it is none, or too young."""
    try:
        asked = date.fromisoformat(day)
    except ValueError:
        raise ModelopsError(f"{day!r} is not a date", "write 2026-08-01") from None
    newest = datetime.fromtimestamp(now_us / 1_000_000, UTC).date() - YOUNGEST
    if asked > newest:
        raise ModelopsError(
            f"attempts of the last two days are not pruned, and {day} is one of them",
            f"write {newest} or earlier",
        )
    return to_us(datetime(asked.year, asked.month, asked.day, tzinfo=UTC))


async def prune(store: MaintenanceStore, before_us: int) -> int:
    """Delete the attempts from before a UTC day and return how many, in short transactions."""
    deleted = 0
    while batch := await store.prune_attempts(before_us):
        deleted += batch
    return deleted
