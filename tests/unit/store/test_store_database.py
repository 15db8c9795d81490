"""What a store says when a statement fails: of which kind it is, and never a value of a row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from row_samples import attempt
from sqlalchemy import text

from modelops.metering.attempt import Cost
from modelops.store import database, open_store
from modelops.store.protocol import StoreError, StoreRefusedError
from modelops.store.tables import attempts

CANARY = "canary-7f3a"


@pytest.mark.parametrize(
    "fields",
    [
        {"cost": Cost(total_pico=2**63)},
        {"status": 2**70},
        {"user": "\ud800"},
        {"latency_us": 2**63},
    ],
)
async def test_a_row_that_fits_no_column_is_refused_and_its_values_are_not_shown(
    store_url: str, fields: dict[str, Any]
) -> None:
    store = open_store(store_url)
    row = msgspec.structs.replace(attempt(agent=CANARY), **fields)
    with pytest.raises(StoreRefusedError) as caught:
        await store.add_attempts([attempt(), row])
    await store.close()
    shown = f"{caught.value.message} {caught.value.hint}"
    assert "does not take a value" in shown
    for value in (CANARY, row.attempt_id, str(2**63), str(2**70), "INSERT", "\n"):
        assert value not in shown


async def test_a_row_without_what_it_needs_is_refused_without_the_row(store_url: str) -> None:
    opened = database.connect(store_url, lock_wait_s=1)
    with pytest.raises(StoreRefusedError) as caught:
        await opened.run(
            lambda connection: connection.execute(
                attempts.insert().values(attempt_id=bytes(16), agent=CANARY)
            ),
            write=True,
        )
    await opened.close()
    assert "does not take a value" in caught.value.message
    for value in (CANARY, "INSERT", "DETAIL", "\n"):
        assert value not in caught.value.message


async def test_a_statement_that_fails_is_not_shown_nor_its_values(store_url: str) -> None:
    opened = database.connect(store_url, lock_wait_s=1)
    statement = text("SELECT * FROM nothing WHERE name = :name")
    with pytest.raises(StoreError) as caught:
        await opened.run(lambda connection: connection.execute(statement, {"name": CANARY}))
    await opened.close()
    assert type(caught.value) is StoreError
    assert "nothing" in caught.value.message
    for value in (CANARY, "SELECT", "SQL", "\n", "<class"):
        assert value not in caught.value.message
    assert CANARY not in str(caught.value.__cause__), "nor by a log that shows the cause"


async def test_a_nul_is_refused_by_postgres(new_postgres_store: Callable[[], str]) -> None:
    store = open_store(new_postgres_store())
    with pytest.raises(StoreRefusedError, match="invalid byte sequence"):
        await store.add_attempts([attempt(message=f"{CANARY}\0")])
    await store.close()
