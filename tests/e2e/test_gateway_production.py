"""The configuration of this repository, run as `modelops up --simulate` runs it.

Its `production` chain goes from Anthropic over OpenAI to Gemini: each target fails in turn, and
the clients of both SDKs notice nothing but a header. Its embedding models embed.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest
from e2e_programs import Running, fail, request, running

REPOSITORY = Path(__file__).parents[2]
TARGETS = ("anthropic/claude-sonnet-4-5", "openai/gpt-4o", "google/gemini-2.5-flash")
TOOL = {"name": "get_weather", "description": "Tell the weather."}
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
OPENAI_TOOL: Any = {"type": "function", "function": {**TOOL, "parameters": SCHEMA}}
ANTHROPIC_TOOL: Any = {**TOOL, "input_schema": SCHEMA}
HELLO: Any = [{"role": "user", "content": "write 20 words"}]
CALL: Any = [{"role": "user", "content": 'call get_weather {"city": "Paris"}'}]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("own")
    shutil.copy(REPOSITORY / "modelops.yaml", folder)
    for kind in ("providers.d", "chains.d", "agents.d"):
        shutil.copytree(REPOSITORY / kind, folder / kind)
    with running("up", "-C", folder, "--simulate", "--port", "0") as started:
        yield started


def chatgpt(program: Running) -> openai.OpenAI:
    headers = {"x-modelops-agent": "research-agent"}
    url = f"{program.url}/v1"
    return openai.OpenAI(base_url=url, api_key="none", max_retries=0, default_headers=headers)


def claude(program: Running) -> anthropic.Anthropic:
    headers = {"x-modelops-agent": "research-agent"}
    return anthropic.Anthropic(
        base_url=program.url, api_key="none", max_retries=0, default_headers=headers
    )


def through_openai(program: Running) -> str:
    """Ask, call a tool and stream with the OpenAI SDK; return the target that answered all."""
    with chatgpt(program) as client:
        asked = client.chat.completions.with_raw_response.create(model="production", messages=HELLO)
        said = asked.parse().choices[0].message.content or ""
        called = client.chat.completions.create(
            model="production", messages=CALL, tools=[OPENAI_TOOL]
        )
        with client.chat.completions.stream(model="production", messages=HELLO) as stream:
            streamed = stream.get_final_completion().choices[0].message.content or ""
    assert len(said.split()) == len(streamed.split()) == 20
    assert called.choices[0].finish_reason == "tool_calls"
    return asked.headers["x-modelops-target"]


def through_anthropic(program: Running) -> str:
    """Ask, call a tool and stream with the Anthropic SDK; return the target that answered all."""
    with claude(program) as client:
        asked = client.messages.with_raw_response.create(
            model="production", max_tokens=100, messages=HELLO
        )
        (said,) = asked.parse().content
        called = client.messages.create(
            model="production", max_tokens=100, messages=CALL, tools=[ANTHROPIC_TOOL]
        )
        with client.messages.stream(model="production", max_tokens=100, messages=HELLO) as stream:
            streamed = stream.get_final_text()
    assert said.type == "text"
    assert len(said.text.split()) == len(streamed.split()) == 20
    assert called.stop_reason == "tool_use"
    return asked.headers["x-modelops-target"]


def test_each_target_of_the_chain_answers_when_those_before_it_fail(program: Running) -> None:
    for target in TARGETS:
        assert through_openai(program) == target
        assert through_anthropic(program) == target
        fail(program, provider=target.partition("/")[0], status=401)
    with chatgpt(program) as client, pytest.raises(openai.APIStatusError) as told:
        client.chat.completions.create(model="production", messages=HELLO)
    assert told.value.status_code == 502
    assert all(target in str(told.value) for target in TARGETS)


@pytest.mark.parametrize(
    ("model", "dimensions"),
    [
        ("openai/text-embedding-3-small", 1536),
        ("google/gemini-embedding-001", 3072),
        ("ollama/nomic-embed-text", 768),
    ],
)
def test_the_embedding_models_embed(program: Running, model: str, dimensions: int) -> None:
    request(f"{program.simulator_url}/_simulator/faults", method="DELETE")
    with openai.OpenAI(base_url=f"{program.url}/v1", api_key="none", max_retries=0) as client:
        packed = client.embeddings.create(model=model, input=["one", "two"])
        plain = client.embeddings.create(model=model, input="one", encoding_format="float")
    assert [one.index for one in packed.data] == [0, 1]
    assert [len(one.embedding) for one in packed.data] == [dimensions] * 2
    assert plain.data[0].embedding == pytest.approx(packed.data[0].embedding, abs=1e-6)


@pytest.mark.parametrize("model", ["anthropic/claude-sonnet-4-5", "google/gemini-2.5-pro"])
def test_tokens_are_counted_before_they_are_sent(program: Running, model: str) -> None:
    request(f"{program.simulator_url}/_simulator/faults", method="DELETE")
    with anthropic.Anthropic(base_url=program.url, api_key="none", max_retries=0) as client:
        counted = client.messages.count_tokens(model=model, messages=HELLO)
    assert counted.input_tokens > 2
