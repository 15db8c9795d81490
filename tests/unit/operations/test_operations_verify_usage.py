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


async def test_an_export_is_compared_with_the_models_that_it_is_about(
    store: MaintenanceStore,
) -> None:
    await apply(store, model(), model("openai/embed", type="embedding"))
    await store.add_attempts([row(10), row(500, model="embed")])
    assert await differences(store, OPENAI + line("gpt-4o", "10,1")) == []
    embeddings = "start_time_iso,model,num_model_requests,input_tokens\n"
    found = await differences(store, embeddings + line("embed", "499"))
    assert found == [(TWENTIETH, "embed", 499, 500)]
    plain = "day,model,input_tokens,output_tokens,cost_usd\n"
    found = await differences(store, f"{plain}2026-11-20,gpt-4o,10,1,\n")
    assert found == [(TWENTIETH, "embed", 0, 500)]


async def test_models_that_are_one_at_the_provider_are_added_up(store: MaintenanceStore) -> None:
    names = ("fast", "careful")
    await apply(store, *(model(f"openai/{name}", upstream_model="gpt-4o") for name in names))
    await store.add_attempts([row(10, model="fast"), row(30, model="careful")])
    assert await differences(store, OPENAI + line("gpt-4o-2024-08-06", "40,2")) == []
    found = await differences(store, OPENAI + line("fast", "41,2"))
    assert found == [(TWENTIETH, "gpt-4o", 41, 40)]


async def test_an_attempt_is_of_the_model_that_its_revision_says(store: MaintenanceStore) -> None:
    await apply(store, model("openai/fast", upstream_model="gpt-4o"), model("openai/old"))
    await store.add_attempts([row(10, model="fast"), row(7, model="old")])
    moved = model("openai/fast", upstream_model="gpt-4.1")
    await apply(store, moved, model("openai/new"), delete=("model/openai/old",))
    await store.add_attempts([row(30, model="fast", revision=2), row(1, model="new", revision=3)])
    lines = [
        line("gpt-4o", "10,1"),
        line("gpt-4.1", "30,1"),
        line("old", "7,1"),
        line("new", "1,1"),
    ]
    assert await differences(store, OPENAI + "".join(lines)) == []


async def test_permanent_names_and_variants_of_openrouter_are_known(
    store: MaintenanceStore,
) -> None:
    free = "openai/gpt-oss-120b:free"
    names = ("anthropic/claude-sonnet-4.5", "openai/gpt-oss-120b", free)
    await apply(store, *(model(f"openrouter/{name}") for name in names))
    await store.add_attempts([row(n, provider="openrouter", model=m) for n, m in enumerate(names)])
    text = "created_at,model_permaslug,tokens_prompt,tokens_completion,cost_total,variant\n"
    for number, (slug, variant) in enumerate(
        [
            ("anthropic/claude-4.5-sonnet-20250929", "standard"),
            ("openai/gpt-oss-120b", ""),
            ("openai/gpt-oss-120b", "free"),
        ]
    ):
        text += f"2026-11-20 12:00:00.713,{slug},{number},1,,{variant}\n"
    assert await differences(store, text, "openrouter") == []
