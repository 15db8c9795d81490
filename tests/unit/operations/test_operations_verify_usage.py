"""Books and invoices are compared by day and by what the provider calls a model."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from resource_samples import model, settings
from row_samples import attempt, info

from modelops.ledger.invoices import read
from modelops.metering.attempt import Attempt, Usage
from modelops.operations.verify_usage import verify
from modelops.resources.resolved import Model
from modelops.store import migrate, open_store
from modelops.store.books import MaintenanceStore
from modelops.store.protocol import Changes

OPENAI = "start_time_iso,model,num_model_requests,input_tokens,output_tokens\n"
TWENTIETH = 20


@pytest.fixture
async def store(new_sqlite_store: Callable[[], str]) -> AsyncIterator[MaintenanceStore]:
    """Return a store to which nothing is applied."""
    url = new_sqlite_store()
    await migrate(url)
    opened = open_store(url)
    yield opened
    await opened.close()


async def apply(store: MaintenanceStore, *models: Model, delete: tuple[str, ...] = ()) -> None:
    changes = Changes(put=(settings(), *models), delete=delete)
    await store.commit((await store.snapshot()).head, changes, info())


def row(input_tokens: int, day: int = TWENTIETH, **fields: Any) -> Attempt:
    """Return an attempt of November 2026 with one token of output."""
    at = datetime(2026, 11, day, 12, tzinfo=UTC)
    usage = Usage(source="reported", input_tokens=input_tokens, output_tokens=1)
    return attempt(started_at_us=int(at.timestamp()) * 1_000_000, usage=usage, **fields)


def line(name: str, tokens: str, day: int = TWENTIETH) -> str:
    """Return a line of OpenAI's for a day and model."""
    return f"2026-11-{day}T00:00:00+00:00,{name},,{tokens}\n"


async def differences(store: MaintenanceStore, text: str, provider: str = "openai") -> list[Any]:
    """Return day, model and input of what differs: the file's, the books'."""
    found = await verify(store, provider, read(text))
    return [
        (int(each.day[-2:]), each.model, each.billed_input_tokens, each.booked_input_tokens)
        for each in found.differences
    ]


async def test_use_on_a_day_for_which_the_file_has_none_differs(store: MaintenanceStore) -> None:
    await apply(store, model())
    await store.add_attempts([row(10), row(77, 21), row(5, 22), row(999, 25), row(3, 26)])
    text = OPENAI + line("gpt-4o", "10,1") + line("", ",", 21) + line("", ",", 25)
    found = await verify(store, "openai", read(text))
    assert [each.day for each in found.differences] == ["2026-11-21", "2026-11-25"]
    assert found.absent_days == ("2026-11-22",)
