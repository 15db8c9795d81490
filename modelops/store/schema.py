"""Which version of the tables a database holds, and whether this program can use it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from modelops.store.protocol import NotAStoreError, StoreNewerError, StoreOlderError

VERSIONS = ("0001", "0002", "0003", "0004", "0005", "0007", "0008", "0009", "0010")
"""Every version of the tables, oldest first; the names of the scripts in `migrations/versions`."""

Query = Callable[[str, Mapping[str, object]], Sequence[Any]]
"""Runs one statement with its named parameters in an open transaction and returns all rows."""


def version(tables: Collection[str], query: Query, place: str) -> str:
    """Return the version of the tables, '' of an empty database.

    NotAStoreError when the database holds tables of something else; `place` is what it is called.
    """
    if "alembic_version" not in tables:
        if tables:
            raise NotAStoreError(
                f"{place} holds the tables of something else", "name a store with --store"
            )
        return ""
    rows = query("SELECT version_num FROM alembic_version", {})
    return str(rows[0][0]) if rows else ""


def require_current(found: str, place: str) -> None:
    """Raise StoreNewerError or StoreOlderError unless the tables are of this version."""
    if found not in VERSIONS:
        raise StoreNewerError(
            f"{place} was written by a newer modelops (tables {found!r})",
            "install that version or a later one",
        )
    if found != VERSIONS[-1]:
        raise StoreOlderError(
            f"{place} was written by an older modelops (tables {found})",
            "run `modelops apply`, which brings it up to date",
        )
