"""Making a store and bringing its tables up to date, with alembic, all or nothing.

The whole run is one transaction that shuts other writers out, so a migration that is killed leaves
the tables as they were. Alembic takes a quarter of a second to import, so the version is compared
first and alembic only asked when there is something to do.
"""

from __future__ import annotations

import uuid
from pathlib import Path

from sqlalchemy import Connection, insert, select

from modelops.store import attempts, database, rollups, schema, tables
from modelops.store.books import AttemptCursor, Selection
from modelops.store.columns import columns_of
from modelops.store.cubes import DAY_ALL, WEEK_USER
from modelops.store.revisions import EMPTY_DIGEST
from modelops.store.sums import Tallies
from modelops.store.tally import tally

PACKED = "0008"
"""The version whose rollups are made anew from the attempts."""

WEEKS = "0009"
"""The version that adds up weeks by user, from days: their attempts may be deleted."""

_ADDED_AT_ONCE = 5_000


async def migrate(url: str, *, lock_wait_s: float) -> None:
    """Create the store at `url`, or bring its tables to this version; nothing if it is current."""
    opened = database.connect_to_migrate(url, lock_wait_s=lock_wait_s)
    try:
        await opened.run(lambda connection: _migrate(connection, opened.place), write=True)
    finally:
        await opened.close()


def _migrate(connection: Connection, place: str) -> None:
    version = database.schema_version(connection, place)
    if version == schema.VERSIONS[-1]:
        return
    if version not in ("", *schema.VERSIONS):
        schema.require_current(version, place)
    _upgrade(connection)
    _initialize(connection)
    if version and version < PACKED:
        _add_up(connection)
    elif version and version < WEEKS:
        rollups.fill(connection, WEEK_USER, DAY_ALL)


def _add_up(connection: Connection) -> None:
    """Add all attempts to the rollups, of which there are none."""
    everything = Selection(since_us=0, until_us=2**63 - 1)
    after: AttemptCursor | None = None
    while rows := attempts.listed(connection, everything, _ADDED_AT_ONCE, after):
        tallies: Tallies = {}
        tally(columns_of(rows), tallies)
        rollups.add(connection, tallies)
        after = AttemptCursor(rows[-1].started_at_us, rows[-1].attempt_id)


def _upgrade(connection: Connection) -> None:
    """Run the scripts in `migrations/versions` on a transaction that is open already."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _initialize(connection: Connection) -> None:
    """Insert the store row (revision 0) and the rollup state."""
    if connection.scalar(select(tables.store.c.id)) is None:
        connection.execute(
            insert(tables.store).values(
                id=1,
                store_id=uuid.uuid4().hex,
                config="",
                environment="",
                revision=0,
                digest=EMPTY_DIGEST,
                config_digest="",
            )
        )
        connection.execute(insert(tables.rollup_state).values(id=1))
