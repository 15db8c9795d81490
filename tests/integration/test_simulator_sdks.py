"""The official SDKs, pointed at the simulator itself, with their helpers and tool runners."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import anthropic
import openai
import pydantic
import pytest

from modelops.simulator.faults import Fault
from modelops.simulator.http import listening
from modelops.simulator.simulator import Simulator


class Person(pydantic.BaseModel):
    name: str
    age: int


@pytest.fixture
def simulator() -> Simulator:
    return Simulator()


@pytest.fixture
async def url(simulator: Simulator) -> AsyncIterator[str]:
    async with listening(simulator) as address:
        yield address


@pytest.fixture
async def chatgpt(url: str) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(
        base_url=f"{url}/openai/v1", api_key="key", max_retries=0
    ) as client:
        yield client


@pytest.fixture
async def claude(url: str) -> AsyncIterator[anthropic.AsyncAnthropic]:
    async with anthropic.AsyncAnthropic(
        base_url=f"{url}/anthropic", api_key="key", max_retries=0
    ) as client:
        yield client


async def test_openai_streams_with_its_helper(chatgpt: openai.AsyncOpenAI) -> None:
    async with chatgpt.chat.completions.stream(
        model="gpt-4o",
        messages=[{"role": "user", "content": "write 30 words"}],
        stream_options={"include_usage": True},
    ) as stream:
        deltas = [event.delta async for event in stream if event.type == "content.delta"]
        final = await stream.get_final_completion()
    assert "".join(deltas) == final.choices[0].message.content
    assert final.usage is not None
    assert final.usage.completion_tokens == 30 == sum(bool(delta) for delta in deltas)


async def test_openai_parses_into_a_model(chatgpt: openai.AsyncOpenAI) -> None:
    parsed = await chatgpt.chat.completions.parse(
        model="gpt-4o", messages=[{"role": "user", "content": "Who?"}], response_format=Person
    )
    assert parsed.choices[0].message.parsed == Person(name="text", age=1)


async def test_openai_embeds(chatgpt: openai.AsyncOpenAI) -> None:
    made = await chatgpt.embeddings.create(model="text-embedding-3-small", input=["a", "a"])
    assert made.data[0].embedding == made.data[1].embedding
    assert made.usage.prompt_tokens == 2


async def test_openai_lists_models(chatgpt: openai.AsyncOpenAI, simulator: Simulator) -> None:
    simulator.world.offer("openai", ["gpt-4o"])
    assert [model.id async for model in chatgpt.models.list()] == ["gpt-4o"]
    assert (await chatgpt.models.retrieve("gpt-4o")).id == "gpt-4o"


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, openai.BadRequestError),
        (401, openai.AuthenticationError),
        (403, openai.PermissionDeniedError),
        (404, openai.NotFoundError),
        (409, openai.ConflictError),
        (422, openai.UnprocessableEntityError),
        (429, openai.RateLimitError),
        (503, openai.InternalServerError),
    ],
)
async def test_openai_understands_every_error(
    chatgpt: openai.AsyncOpenAI, status: int, error: type[openai.APIStatusError]
) -> None:
    with pytest.raises(error) as caught:
        await chatgpt.chat.completions.create(
            model=f"sim-{status}", messages=[{"role": "user", "content": "x"}]
        )
    assert caught.value.status_code == status
    assert caught.value.request_id


async def test_openai_sees_an_error_inside_a_stream(chatgpt: openai.AsyncOpenAI) -> None:
    stream = await chatgpt.chat.completions.create(
        model="sim-error-in-stream", messages=[{"role": "user", "content": "x"}], stream=True
    )
    with pytest.raises(openai.APIError, match="server had an error"):
        async for _ in stream:
            pass


async def test_anthropic_streams_with_its_helper(claude: anthropic.AsyncAnthropic) -> None:
    async with claude.messages.stream(
        model="claude-sonnet-5",
        max_tokens=2000,
        thinking={"type": "adaptive"},
        messages=[{"role": "user", "content": "write 30 words"}],
    ) as stream:
        text = "".join([piece async for piece in stream.text_stream])
        final = await stream.get_final_message()
    assert [block.type for block in final.content] == ["thinking", "text"]
    assert len(text.split()) == 30
    assert final.usage.output_tokens > 30
    assert final.stop_reason == "end_turn"


async def test_anthropic_parses_into_a_model(claude: anthropic.AsyncAnthropic) -> None:
    parsed = await claude.messages.parse(
        model="claude-sonnet-5",
        max_tokens=100,
        messages=[{"role": "user", "content": "Who?"}],
        output_format=Person,
    )
    assert parsed.parsed_output == Person(name="text", age=1)


async def test_anthropics_tool_runner_runs_a_tool_and_ends(
    claude: anthropic.AsyncAnthropic, simulator: Simulator
) -> None:
    asked: list[str] = []

    @anthropic.beta_async_tool
    async def get_weather(city: str) -> str:
        """Tell the weather.

        Args:
            city: Where.

        """
        asked.append(city)
        return "18 degrees"

    runner: Any = claude.beta.messages.tool_runner(
        model="claude-sonnet-5",
        max_tokens=1000,
        tools=[get_weather],
        thread=False,
        messages=[{"role": "user", "content": 'call get_weather {"city": "Paris"}'}],
    )
    final = await runner.until_done()
    assert asked == ["Paris"]
    assert final.content[0].text.endswith("get_weather: 18 degrees")
    assert simulator.ledger.ended == 2


async def test_anthropic_counts_and_lists(
    claude: anthropic.AsyncAnthropic, simulator: Simulator
) -> None:
    simulator.world.offer("anthropic", [f"claude-{number}" for number in range(45)])
    counted = await claude.messages.count_tokens(
        model="claude-1", messages=[{"role": "user", "content": "one two three"}]
    )
    assert counted.input_tokens == 3
    assert len([model.id async for model in claude.models.list()]) == 45


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, anthropic.BadRequestError),
        (401, anthropic.AuthenticationError),
        (429, anthropic.RateLimitError),
        (529, anthropic.APIStatusError),
    ],
)
async def test_anthropic_understands_every_error(
    claude: anthropic.AsyncAnthropic, status: int, error: type[anthropic.APIStatusError]
) -> None:
    with pytest.raises(error) as caught:
        await claude.messages.create(
            model=f"sim-{status}", max_tokens=10, messages=[{"role": "user", "content": "x"}]
        )
    assert caught.value.status_code == status
    assert caught.value.request_id


async def test_anthropic_sees_an_error_inside_a_stream(claude: anthropic.AsyncAnthropic) -> None:
    stream = await claude.messages.create(
        model="sim-error-in-stream",
        max_tokens=10,
        messages=[{"role": "user", "content": "x"}],
        stream=True,
    )
    with pytest.raises(anthropic.APIStatusError, match="had an error"):
        async for _ in stream:
            pass


async def test_a_client_retries_by_itself_until_the_fault_is_over(
    url: str, simulator: Simulator
) -> None:
    simulator.faults.add(
        Fault(provider="openai", status=503, times=2, headers={"retry-after-ms": "1"})
    )
    async with openai.AsyncOpenAI(base_url=f"{url}/openai", api_key="key") as client:
        answered = await client.chat.completions.create(
            model="gpt-4o", messages=[{"role": "user", "content": "x"}]
        )
    assert answered.choices[0].finish_reason == "stop"
    assert [entry.status for entry in simulator.ledger.entries] == [503, 503, 200]


async def test_openai_calls_two_tools_and_goes_on(chatgpt: openai.AsyncOpenAI) -> None:
    tools: Any = [
        {"type": "function", "function": {"name": name, "parameters": {"type": "object"}}}
        for name in ("get_time", "get_weather")
    ]
    asked: Any = [{"role": "user", "content": "call get_time, then call get_weather"}]
    first = await chatgpt.chat.completions.create(model="gpt-4o", messages=asked, tools=tools)
    message = first.choices[0].message
    assert message.tool_calls is not None
    results: Any = [
        {"role": "tool", "tool_call_id": call.id, "content": json.dumps({"n": number})}
        for number, call in enumerate(message.tool_calls)
    ]
    went: Any = [*asked, message.model_dump(exclude_none=True), *results]
    second = await chatgpt.chat.completions.create(model="gpt-4o", messages=went)
    assert second.choices[0].message.content is not None
    assert 'get_time: {"n": 0}; get_weather: {"n": 1}' in second.choices[0].message.content


async def test_openai_streams_a_response_with_its_helper(chatgpt: openai.AsyncOpenAI) -> None:
    async with chatgpt.responses.stream(model="gpt-4o", input="write 30 words") as stream:
        deltas = [e.delta async for e in stream if e.type == "response.output_text.delta"]
        final = await stream.get_final_response()
    assert "".join(deltas) == final.output_text
    assert final.usage is not None
    assert final.usage.output_tokens == 30


async def test_openai_parses_a_response_into_a_model(chatgpt: openai.AsyncOpenAI) -> None:
    parsed = await chatgpt.responses.parse(model="gpt-4o", input="Who?", text_format=Person)
    assert parsed.output_parsed == Person(name="text", age=1)
