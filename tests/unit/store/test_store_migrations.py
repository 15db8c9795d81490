"""Books that an older version kept add up to the same after the tables are brought up to date."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from resource_samples import settings
from row_samples import attempt, info
from sqlalchemy import Connection, text
from store_samples import run_sql

from modelops.metering.attempt import Attempt, Cost, Usage
from modelops.store import database, migrate, migrating, open_store, tables
from modelops.store.books import SLOT_US, Dimension, Selection
from modelops.store.columns import columns_of
from modelops.store.protocol import Changes
from modelops.store.sums import Sums

START_US = 20_000 * 96 * SLOT_US
ROWS = [
    attempt(
        started_at_us=START_US + number * SLOT_US,
        user=f"user-{number % 2}",
        position=number % 2,
        outcome="failed" if number == 3 else "success",
        usage=Usage(source="reported", input_tokens=number, cache_write_1h_tokens=2),
        cost=Cost(source="declared", total_pico=None if number == 5 else number * 10**7 + 1),
        latency_us=number * 10**6,
        first_content_us=number * 10**5,
    )
    for number in range(6)
]
GROUPS: tuple[tuple[Dimension, ...], ...] = ((), ("model", "status"), ("user",), ("agent", "model"))


@pytest.fixture(params=["sqlite", "postgres"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of a database without tables."""
    if request.param == "postgres":
        new_database: Callable[[], str] = request.getfixturevalue("new_database")
        return new_database()
    return f"sqlite:///{tmp_path}/older.db"


async def test_what_was_not_rolled_up_yet_is_rolled_up(empty_url: str, tmp_path: Path) -> None:
    opened = database.connect_to_migrate(empty_url, lock_wait_s=5)
    await opened.run(_fill_older, write=True)
    await opened.close()
    await migrate(empty_url)
    current_url = f"sqlite:///{tmp_path}/current.db"
    await migrate(current_url)
    store = open_store(current_url)
    await store.add_attempts(ROWS)
    await store.close()
    for by in GROUPS:
        assert await _sums(empty_url, by) == await _sums(current_url, by)


def _fill_older(connection: Connection) -> None:
    """Make the tables of version 0004, and rows of which one came late and none is rolled up."""
    config = Config()
    config.set_main_option("script_location", str(Path(migrating.__file__).with_name("migrations")))
    config.attributes["connection"] = connection
    command.upgrade(config, "0004")
    columns = [column.name for column in tables.attempts.columns if column.name != "weight"]
    names = ", ".join(f'"{name}"' for name in columns)
    values = ", ".join(f":{name}" for name in columns)
    connection.execute(
        text(f"INSERT INTO attempts ({names}) VALUES ({values})"),  # noqa: S608
        [_row(row) for row in ROWS],
    )
    connection.execute(text("INSERT INTO store VALUES (1, 'a', '', '', 0, '', '')"))
    connection.execute(
        text("INSERT INTO rollup_state (id, rolled_until) VALUES (1, :until)"),
        {"until": START_US // SLOT_US + 1},
    )
    connection.execute(
        text("INSERT INTO rollup_late VALUES (:id)"), {"id": bytes.fromhex(ROWS[0].attempt_id)}
    )


def _row(row: Attempt) -> dict[str, object]:
    return {name: column[0] for name, column in columns_of([row]).items()}


async def _sums(url: str, by: tuple[Dimension, ...]) -> dict[tuple[str, ...], Sums]:
    store = open_store(url)
    chosen = Selection(since_us=START_US, until_us=START_US + 96 * SLOT_US, by=by)
    found = {group.key: group.sums for group in await store.usage(chosen)}
    await store.close()
    return found


async def test_weeks_are_added_up_from_days_whose_attempts_are_gone(empty_url: str) -> None:
    await migrate(empty_url)
    store = open_store(empty_url)
    day_us = 96 * SLOT_US
    await store.add_attempts(
        [
            attempt(started_at_us=START_US + day * day_us + 1, user=f"user-{day % 2}")
            for day in range(0, 30, 3)
        ]
    )
    await store.prune_attempts(START_US + 30 * day_us)
    chosen = Selection(since_us=START_US, until_us=START_US + 28 * day_us, by=("user", "model"))
    expected = {group.key: group.sums for group in await store.usage(chosen)}
    assert sum(sums.requests for sums in expected.values()) == 10
    await store.close()
    await run_sql(
        empty_url,
        "DELETE FROM rollups WHERE cube = 'week-user'",
        "ALTER TABLE revisions DROP COLUMN notes",
        "UPDATE alembic_version SET version_num = '0008'",
    )
    await migrate(empty_url)
    store = open_store(empty_url)
    assert {group.key: group.sums for group in await store.usage(chosen)} == expected
    await store.close()


async def test_a_revision_from_before_there_were_notes_has_none(empty_url: str) -> None:
    await migrate(empty_url)
    store = open_store(empty_url)
    made = await store.commit(await store.head(), Changes(put=(settings(),)), info())
    await store.close()
    await run_sql(
        empty_url,
        "ALTER TABLE revisions DROP COLUMN notes",
        "UPDATE alembic_version SET version_num = '0009'",
    )
    await migrate(empty_url)
    store = open_store(empty_url)
    assert list(await store.revisions(1)) == [made]
    await store.close()
