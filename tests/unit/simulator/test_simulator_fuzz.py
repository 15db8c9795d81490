"""No request takes the simulator down, whatever stands in it."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulator_calls import ANTHROPIC, OPENAI, chat, messages, send, simulator, status

SCHEMA = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}}
OPENAI_CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}

REQUESTS: Mapping[str, tuple[str, Mapping[str, str], dict[str, Any]]] = {
    "chat": (
        "/openai/chat/completions",
        OPENAI,
        chat(
            messages=[
                {"role": "user", "content": [{"type": "text", "text": "call f"}]},
                {"role": "assistant", "tool_calls": [OPENAI_CALL]},
                {"role": "tool", "tool_call_id": "c1", "content": "x"},
            ],
            tools=[{"type": "function", "function": {"name": "f", "parameters": SCHEMA}}],
            tool_choice={"type": "function", "function": {"name": "f"}},
            response_format={"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}},
            thinking={"type": "enabled"},
            stream=True,
            stop=["x"],
            n=2,
        ),
    ),
    "responses": (
        "/openai/responses",
        OPENAI,
        {
            "model": "m",
            "input": [{"role": "user", "content": [{"type": "input_text", "text": "call f"}]}],
            "tools": [{"type": "function", "name": "f", "parameters": SCHEMA}],
            "tool_choice": {"type": "function", "name": "f"},
            "text": {"format": {"type": "json_schema", "schema": SCHEMA}},
            "reasoning": {"effort": "high"},
            "stream": True,
        },
    ),
    "embeddings": ("/openai/embeddings", OPENAI, {"model": "m", "input": ["a"], "dimensions": 2}),
    "messages": (
        "/anthropic/v1/messages",
        ANTHROPIC,
        messages(
            messages=[
                {"role": "user", "content": [{"type": "text", "text": "call f"}]},
                {
                    "role": "assistant",
                    "content": [{"type": "tool_use", "id": "t", "name": "f", "input": {}}],
                },
                {
                    "role": "user",
                    "content": [{"type": "tool_result", "tool_use_id": "t", "content": [{}]}],
                },
            ],
            system=[{"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}],
            tools=[{"name": "f", "input_schema": SCHEMA}],
            tool_choice={"type": "tool", "name": "f"},
            output_config={"format": {"type": "json_schema", "schema": SCHEMA}},
            metadata={"user_id": "u"},
            stream=True,
        ),
    ),
    "gemini": (
        "/google/v1beta/models/gemini-3-pro:generateContent",
        {"x-goog-api-key": "k"},
        {
            "contents": [
                {"role": "user", "parts": [{"text": "call f"}, {"inlineData": {"mimeType": "x"}}]}
            ],
            "tools": [{"functionDeclarations": [{"name": "f", "parameters": SCHEMA}]}],
            "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["f"]}},
            "generationConfig": {"responseSchema": SCHEMA, "thinkingConfig": {}},
        },
    ),
    "ollama": (
        "/ollama/api/chat",
        {},
        {
            "model": "m",
            "messages": [{"role": "user", "content": "call f"}],
            "tools": [{"function": {"name": "f", "parameters": SCHEMA}}],
            "format": SCHEMA,
            "options": {"num_predict": 3},
        },
    ),
}
"""Requests that use every field the simulator reads, by a name for each."""

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.floats(allow_nan=False)
    | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=4,
)


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the way to every value inside a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    found = []
    for key, item in inner:
        found.append((*at, key))
        if isinstance(item, dict | list):
            found += places(item, (*at, key))
    return found


@pytest.mark.parametrize("name", REQUESTS)
@settings(max_examples=60)
@given(data=st.data())
def test_a_request_with_anything_anywhere_is_answered(name: str, data: st.DataObject) -> None:
    url, headers, whole = REQUESTS[name]
    asked = copy.deepcopy(whole)
    *way, last = data.draw(st.sampled_from(places(asked)))
    place = asked
    for step in way:
        place = place[step]
    place[last] = data.draw(JSON)
    assert status(send(simulator(), url, asked, headers)) in {200, 400}


@pytest.mark.parametrize("name", REQUESTS)
def test_the_request_as_it_stands_is_taken(name: str) -> None:
    url, headers, whole = REQUESTS[name]
    assert status(send(simulator(), url, whole, headers)) == 200
