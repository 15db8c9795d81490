"""Google's own SDK, pointed at the simulator itself, with its automatic function calling."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from modelops.simulator.http import listening
from modelops.simulator.simulator import Simulator

genai: Any = pytest.importorskip("google.genai", reason="google-genai is not installed")

pytestmark = pytest.mark.filterwarnings("ignore:Inheritance class:DeprecationWarning")
"""The SDK derives from a class of aiohttp that would rather not be derived from."""


@pytest.fixture
def simulator() -> Simulator:
    return Simulator()


@pytest.fixture
async def gemini(simulator: Simulator) -> AsyncIterator[Any]:
    async with listening(simulator) as url:
        options = {"base_url": f"{url}/google"}
        client = genai.Client(api_key="key", http_options=options).aio
        yield client
        await client.aclose()


async def test_it_generates_and_streams_the_same(gemini: Any) -> None:
    asked = {"model": "gemini-2.5-flash", "contents": "write 30 words"}
    whole = await gemini.models.generate_content(**asked)
    chunks = [chunk async for chunk in await gemini.models.generate_content_stream(**asked)]
    assert "".join(chunk.text or "" for chunk in chunks) == whole.text
    assert chunks[-1].usage_metadata == whole.usage_metadata
    assert whole.usage_metadata.candidates_token_count == 30
    assert whole.usage_metadata.thoughts_token_count > 0


async def test_it_calls_a_function_by_itself_and_goes_on(gemini: Any, simulator: Simulator) -> None:
    asked: list[str] = []

    def get_weather(city: str) -> str:
        """Tell the weather."""
        asked.append(city)
        return "18 degrees"

    answered = await gemini.models.generate_content(
        model="gemini-3-pro-preview",
        contents='call get_weather {"city": "Paris"}',
        config={"tools": [get_weather]},
    )
    assert asked == ["Paris"]
    assert answered.text.endswith("get_weather: 18 degrees")
    assert simulator.ledger.ended == 2


async def test_it_parses_counts_embeds_and_lists(gemini: Any, simulator: Simulator) -> None:
    simulator.world.offer("google", ["gemini-2.5-flash", "gemini-embedding-001"])
    schema = {"type": "OBJECT", "properties": {"n": {"type": "INTEGER"}}}
    parsed = await gemini.models.generate_content(
        model="gemini-2.5-flash",
        contents="x",
        config={"response_mime_type": "application/json", "response_schema": schema},
    )
    assert parsed.text == '{"n":1}'
    counted = await gemini.models.count_tokens(model="gemini-2.5-flash", contents="one two")
    assert counted.total_tokens == 2
    embedded = await gemini.models.embed_content(model="gemini-embedding-001", contents=["a", "b"])
    assert len(embedded.embeddings) == 2
    listed = [model.name async for model in await gemini.models.list()]
    assert listed == ["models/gemini-2.5-flash", "models/gemini-embedding-001"]


@pytest.mark.parametrize("status", [400, 403, 404, 429, 500, 503])
async def test_it_understands_every_error(gemini: Any, status: int) -> None:
    with pytest.raises(genai.errors.APIError) as caught:
        await gemini.models.generate_content(model=f"sim-{status}", contents="x")
    assert caught.value.code == status
