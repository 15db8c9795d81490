"""The official SDKs through the gateway, whatever protocol the target speaks.

Each client is what an application has: the OpenAI and the Anthropic SDK. Each target is a provider
that the simulator plays in its own protocol; its ledger says what the provider counted, and the
answer's usage and the books must say the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import anthropic
import openai
import pydantic
import pytest
from e2e_programs import Running, eventually, ledger, request, running

from modelops.gateway.protocols import ADAPTERS

PROVIDERS = {
    "openai": "provider: openai\nmodels: [{model: gpt-4o}]\n",
    "anthropic": "provider: anthropic\nmodels: [{model: claude-sonnet-5}]\n",
    "google": "provider: google\nprotocol: gemini\nmodels: [{model: gemini-2.5-flash}]\n",
    "ollama": "provider: ollama\nprotocol: ollama\nmodels: [{model: llama3.2}]\n",
}
TARGETS = {
    "openai": "openai/gpt-4o",
    "anthropic": "anthropic/claude-sonnet-5",
    "gemini": "google/gemini-2.5-flash",
    "ollama": "ollama/llama3.2",
}
CHAT = [TARGETS[spoken] for endpoint, spoken in ADAPTERS if endpoint == "/v1/chat/completions"]
MESSAGES = [TARGETS[spoken] for endpoint, spoken in ADAPTERS if endpoint == "/v1/messages"]

HELLO: Any = [{"role": "user", "content": "write 30 words"}]
PARAMETERS = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
TOOL = {"name": "get_weather", "description": "Tell the weather."}
OPENAI_TOOLS: Any = [{"type": "function", "function": {**TOOL, "parameters": PARAMETERS}}]
ANTHROPIC_TOOLS: Any = [{**TOOL, "input_schema": PARAMETERS}]
ASK_TOOL = 'call get_weather {"city": "Paris"}'
PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAA"
    "DUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
IMAGE_TOKENS = 85
"""What the simulator counts for an image."""


class Person(pydantic.BaseModel):
    name: str
    age: int


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("sdks")
    (folder / "providers.d").mkdir()
    (folder / "modelops.yaml").write_text("config: sdks\n")
    for name, text in PROVIDERS.items():
        (folder / "providers.d" / f"{name}.yaml").write_text(text)
    with running("up", "-C", folder, "--simulate", "--port", "0") as started:
        yield started


@pytest.fixture
def chatgpt(program: Running) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{program.url}/v1", api_key="none", max_retries=0) as client:
        yield client


@pytest.fixture
def claude(program: Running) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=program.url, api_key="none", max_retries=0) as client:
        yield client


def counted(program: Running) -> dict[str, int]:
    """Return the tokens of the request the provider served last."""
    tokens: dict[str, int] = ledger(program)["entries"][-1]["tokens"]
    return tokens


@pytest.mark.parametrize("model", CHAT)
def test_openai_gets_an_answer(program: Running, chatgpt: openai.OpenAI, model: str) -> None:
    answered = chatgpt.chat.completions.create(model=model, messages=HELLO)
    assert answered.choices[0].finish_reason == "stop"
    assert len((answered.choices[0].message.content or "").split()) == 30
    assert answered.usage is not None
    served = counted(program)
    assert answered.usage.prompt_tokens == served["input"]
    assert answered.usage.completion_tokens == served["output"]


@pytest.mark.parametrize("model", CHAT)
def test_openai_gets_a_stream(program: Running, chatgpt: openai.OpenAI, model: str) -> None:
    with chatgpt.chat.completions.stream(
        model=model, messages=HELLO, stream_options={"include_usage": True}
    ) as stream:
        text = "".join(event.delta for event in stream if event.type == "content.delta")
        final = stream.get_final_completion()
    assert text == final.choices[0].message.content
    assert len(text.split()) == 30
    assert final.usage is not None
    served = counted(program)
    assert final.usage.prompt_tokens == served["input"]
    assert final.usage.completion_tokens == served["output"]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("model", CHAT)
def test_openai_calls_a_tool_and_goes_on(chatgpt: openai.OpenAI, model: str, stream: bool) -> None:
    conversation: Any = [{"role": "user", "content": ASK_TOOL}]
    asked = {"model": model, "messages": conversation, "tools": OPENAI_TOOLS}
    if stream:
        with chatgpt.chat.completions.stream(**asked) as flow:
            choice: Any = flow.get_final_completion().choices[0]
    else:
        choice = chatgpt.chat.completions.create(**asked).choices[0]
    assert choice.finish_reason == "tool_calls"
    call = choice.message.tool_calls[0]
    assert json.loads(call.function.arguments) == {"city": "Paris"}
    conversation += [
        {"role": "assistant", "tool_calls": [{"id": call.id, "type": "function",
         "function": {"name": call.function.name, "arguments": call.function.arguments}}]},
        {"role": "tool", "tool_call_id": call.id, "content": "18 degrees"},
    ]  # fmt: skip
    answered = chatgpt.chat.completions.create(**asked)
    assert (answered.choices[0].message.content or "").endswith("get_weather: 18 degrees")


@pytest.mark.parametrize("model", CHAT)
def test_openai_parses_into_a_model(chatgpt: openai.OpenAI, model: str) -> None:
    parsed = chatgpt.chat.completions.parse(model=model, messages=HELLO, response_format=Person)
    assert parsed.choices[0].message.parsed == Person(name="text", age=1)


@pytest.mark.parametrize("model", CHAT)
def test_openai_sends_an_image(program: Running, chatgpt: openai.OpenAI, model: str) -> None:
    content: Any = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}},
    ]
    chatgpt.chat.completions.create(model=model, messages=[{"role": "user", "content": content}])
    assert counted(program)["input"] == IMAGE_TOKENS + 4


def test_openais_responses_answer_stream_and_parse(
    program: Running, chatgpt: openai.OpenAI
) -> None:
    model = TARGETS["openai"]
    answered = chatgpt.responses.create(model=model, input="write 30 words")
    assert len(answered.output_text.split()) == 30
    assert answered.usage is not None
    assert answered.usage.output_tokens == counted(program)["output"]
    with chatgpt.responses.stream(model=model, input="write 30 words") as stream:
        said = "".join(
            event.delta for event in stream if event.type == "response.output_text.delta"
        )
        assert stream.get_final_response().output_text == said
    assert len(said.split()) == 30
    parsed = chatgpt.responses.parse(model=model, input="x", text_format=Person)
    assert parsed.output_parsed == Person(name="text", age=1)


def test_openais_responses_call_a_tool_and_go_on(chatgpt: openai.OpenAI) -> None:
    tools: Any = [{"type": "function", **TOOL, "parameters": PARAMETERS, "strict": True}]
    conversation: Any = [{"role": "user", "content": ASK_TOOL}]
    asked: Any = {"model": TARGETS["openai"], "tools": tools, "store": False}
    called = chatgpt.responses.create(input=conversation, **asked)
    (call,) = [item for item in called.output if item.type == "function_call"]
    assert json.loads(call.arguments) == {"city": "Paris"}
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "18 degrees"}
    conversation += [call, result]
    answered = chatgpt.responses.create(input=conversation, **asked)
    assert answered.output_text.endswith("get_weather: 18 degrees")


@pytest.mark.parametrize("model", MESSAGES)
def test_anthropics_tool_runner_runs_a_tool_and_ends(
    claude: anthropic.Anthropic, model: str
) -> None:
    cities: list[str] = []

    @anthropic.beta_tool
    def get_weather(city: str) -> str:
        """Tell the weather."""
        cities.append(city)
        return "18 degrees"

    runner: Any = claude.beta.messages.tool_runner(
        model=model,
        max_tokens=500,
        tools=[get_weather],
        messages=[{"role": "user", "content": ASK_TOOL}],
    )
    last = runner.until_done()
    assert cities == ["Paris"]
    assert last.content[-1].text.endswith("get_weather: 18 degrees")


@pytest.mark.parametrize("model", MESSAGES)
def test_anthropic_gets_an_answer(
    program: Running, claude: anthropic.Anthropic, model: str
) -> None:
    answered = claude.messages.create(model=model, max_tokens=500, messages=HELLO)
    assert answered.stop_reason == "end_turn"
    assert len(answered.content[-1].text.split()) == 30  # type: ignore[union-attr]
    served = counted(program)
    assert answered.usage.input_tokens == served["input"] - served["cache_read"]
    assert answered.usage.output_tokens == served["output"]


@pytest.mark.parametrize("model", MESSAGES)
def test_anthropic_gets_a_stream(program: Running, claude: anthropic.Anthropic, model: str) -> None:
    with claude.messages.stream(model=model, max_tokens=500, messages=HELLO) as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()
    assert len(text.split()) == 30
    assert final.stop_reason == "end_turn"
    assert final.usage.output_tokens == counted(program)["output"]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("model", MESSAGES)
def test_anthropic_calls_a_tool_and_goes_on(
    claude: anthropic.Anthropic, model: str, stream: bool
) -> None:
    conversation: Any = [{"role": "user", "content": ASK_TOOL}]
    asked: Any = {"model": model, "max_tokens": 500, "tools": ANTHROPIC_TOOLS}
    if stream:
        with claude.messages.stream(messages=conversation, **asked) as flow:
            message = flow.get_final_message()
    else:
        message = claude.messages.create(messages=conversation, **asked)
    assert message.stop_reason == "tool_use"
    call = message.content[-1]
    assert call.type == "tool_use"
    assert call.input == {"city": "Paris"}
    result = {"type": "tool_result", "tool_use_id": call.id, "content": "18 degrees"}
    conversation += [
        {"role": "assistant", "content": message.content},
        {"role": "user", "content": [result]},
    ]
    answered = claude.messages.create(messages=conversation, **asked)
    assert answered.content[-1].text.endswith("get_weather: 18 degrees")


ROUND = [TARGETS[name] for name in ("anthropic", "openai", "gemini", "ollama")]
"""A way through every protocol and back to where it began."""


def test_a_conversation_with_tools_goes_from_one_provider_to_the_next_and_back(
    chatgpt: openai.OpenAI,
) -> None:
    conversation: Any = []
    for turn, model in enumerate([*ROUND, *reversed(ROUND)]):
        told = f'call get_weather {{"city": "town{turn}"}}'
        conversation.append({"role": "user", "content": told})
        asked = chatgpt.chat.completions.create(
            model=model, messages=conversation, tools=OPENAI_TOOLS
        )
        calls: Any = asked.choices[0].message.tool_calls
        assert calls
        assert json.loads(calls[0].function.arguments) == {"city": f"town{turn}"}
        conversation.append(asked.choices[0].message.model_dump(exclude_none=True))
        conversation.append({"role": "tool", "tool_call_id": calls[0].id, "content": f"{turn}"})
        answered = chatgpt.chat.completions.create(
            model=model, messages=conversation, tools=OPENAI_TOOLS
        )
        content = answered.choices[0].message.content or ""
        assert content.endswith(f"get_weather: {turn}")
        conversation.append({"role": "assistant", "content": content})


def test_anthropics_sdk_takes_its_conversation_the_same_way(claude: anthropic.Anthropic) -> None:
    conversation: Any = []
    thinking = {"type": "adaptive"}
    for turn, model in enumerate([*ROUND, *reversed(ROUND)]):
        asked: Any = {"model": model, "max_tokens": 3000, "tools": ANTHROPIC_TOOLS}
        if model in (TARGETS["anthropic"], TARGETS["gemini"]):  # the others' models do not reason
            asked["thinking"] = thinking
        told = f'call get_weather {{"city": "town{turn}"}}'
        conversation.append({"role": "user", "content": told})
        called = claude.messages.create(messages=conversation, **asked)
        call = called.content[-1]
        assert call.type == "tool_use"
        assert call.input == {"city": f"town{turn}"}
        result = {"type": "tool_result", "tool_use_id": call.id, "content": f"{turn}"}
        conversation.append({"role": "assistant", "content": called.content})
        conversation.append({"role": "user", "content": [result]})
        with claude.messages.stream(messages=conversation, **asked) as flow:
            answered = flow.get_final_message()
        last = answered.content[-1]
        assert last.type == "text"
        assert last.text.endswith(f"get_weather: {turn}")
        conversation.append({"role": "assistant", "content": answered.content})


def test_a_long_prompt_is_read_from_the_cache_the_second_time(
    program: Running, chatgpt: openai.OpenAI, claude: anthropic.Anthropic
) -> None:
    long = "word " * 2000
    for _ in range(2):
        answered = chatgpt.chat.completions.create(
            model="openai/gpt-4o", messages=[{"role": "user", "content": long}]
        )
    assert answered.usage is not None
    assert answered.usage.prompt_tokens_details is not None
    assert answered.usage.prompt_tokens_details.cached_tokens == counted(program)["cache_read"] > 0
    system: Any = [{"type": "text", "text": long, "cache_control": {"type": "ephemeral"}}]
    asked: Any = {"model": "anthropic/claude-sonnet-5", "max_tokens": 50, "messages": HELLO}
    written = claude.messages.create(system=system, **asked).usage.cache_creation_input_tokens
    assert written == counted(program)["cache_write"] > 0
    read = claude.messages.create(system=system, **asked).usage.cache_read_input_tokens
    assert read == counted(program)["cache_read"] == written


def test_thinking_is_counted_and_brought_back(
    program: Running, claude: anthropic.Anthropic
) -> None:
    asked: Any = {
        "model": "anthropic/claude-sonnet-5",
        "max_tokens": 3000,
        "thinking": {"type": "adaptive"},
    }
    with claude.messages.stream(messages=HELLO, **asked) as stream:
        first = stream.get_final_message()
    assert [block.type for block in first.content] == ["thinking", "text"]
    assert counted(program)["reasoning"] > 0
    conversation: Any = [*HELLO, {"role": "assistant", "content": first.content}, *HELLO]
    second = claude.messages.create(messages=conversation, **asked)
    assert second.stop_reason == "end_turn"


def test_a_call_that_the_limit_cut_off_reaches_anthropics_sdk(claude: anthropic.Anthropic) -> None:
    asked: Any = {
        "model": TARGETS["openai"],
        "max_tokens": 4,
        "tools": ANTHROPIC_TOOLS,
        "messages": [{"role": "user", "content": ASK_TOOL}],
    }
    whole = claude.messages.create(**asked)
    assert (whole.stop_reason, whole.content[0].type) == ("max_tokens", "tool_use")
    with claude.messages.stream(**asked) as stream:
        streamed = stream.get_final_message()
    assert (streamed.stop_reason, streamed.content[0].type) == ("max_tokens", "tool_use")


def test_openais_sdk_has_claude_think_as_hard_as_it_says(
    program: Running, chatgpt: openai.OpenAI
) -> None:
    answered = chatgpt.chat.completions.create(
        model="anthropic/claude-sonnet-5",
        messages=[{"role": "user", "content": "hi"}],
        reasoning_effort="max",
        temperature=0.2,
        max_completion_tokens=300,
    )
    assert counted(program)["reasoning"] > 0
    assert answered.choices[0].finish_reason == "stop"


def test_the_books_say_what_the_providers_counted(program: Running) -> None:
    served = ledger(program)
    _, books = eventually(
        lambda: request(f"{program.url}/api/usage?by=model"),
        lambda seen: bool(seen[1]["totals"]["attempts"] == served["requests"]),
    )
    for row in books["rows"]:
        totals = [
            total
            for total in served["totals"]
            if f"{total['provider']}/{total['model']}" == row["key"]["model"]
        ]
        for books_name, ledger_name in (
            ("attempts", "requests"),
            ("input_tokens", "input"),
            ("output_tokens", "output"),
            ("cache_read_tokens", "cache_read"),
            ("cache_write_tokens", "cache_write"),
            ("reasoning_tokens", "reasoning"),
        ):
            assert row[books_name] == sum(total[ledger_name] for total in totals), row["key"]
