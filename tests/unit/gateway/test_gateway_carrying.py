"""What translation carries, in the form each target accepts, and what it leaves out."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from gateway_doubles import model, provider, table

from modelops.gateway.body import Body
from modelops.gateway.call import Endpoint
from modelops.gateway.protocols import ADAPTERS
from modelops.gateway.protocols.adapter import CannotCarryError
from modelops.gateway.protocols.openai import strict
from modelops.resources.resolved import Protocol

CHAT: Endpoint = "/v1/chat/completions"
MESSAGES: Endpoint = "/v1/messages"
HI: list[Any] = [{"role": "user", "content": "hi"}]


def sent(endpoint: Endpoint, protocol: Protocol, name: str = "m", **fields: Any) -> dict[str, Any]:
    """Return what goes to a target named `name` for a request."""
    one = model("one/m", upstream_model=name, capabilities=("tools", "reasoning"))
    target = table(provider("one", protocol=protocol), one).models["one/m"]
    body = Body(endpoint, msgspec.json.encode({"model": "m", "messages": HI} | fields))
    outgoing = ADAPTERS[endpoint, protocol].outgoing(body, {}, target, None)
    return msgspec.json.decode(outgoing.body, type=dict[str, Any])


A: dict[str, Any] = {"type": "object", "properties": {"a": {"type": "string"}}}
HELD = {**A, "required": ["a"], "additionalProperties": False}


@pytest.mark.parametrize(
    ("schema", "accepted"),
    [
        (HELD, True),
        ({**HELD, "required": ["a", "b"], "properties": {"a": {}, "b": HELD}}, True),
        ({**HELD, "properties": {"a": {"anyOf": [HELD, {"type": "null"}]}}}, True),
        ({**HELD, "$defs": {"x": HELD}, "properties": {"a": {"$ref": "#/$defs/x"}}}, True),
        ({"type": "object", "additionalProperties": False}, True),
        (A, False),
        ({**HELD, "required": []}, False),
        ({**HELD, "additionalProperties": True}, False),
        ({**HELD, "properties": {"a": A}}, False),
        ({**HELD, "properties": {"a": {"type": "array", "items": A}}}, False),
        ({**HELD, "properties": {"a": {"anyOf": [A, {"type": "null"}]}}}, False),
        ({**HELD, "$defs": {"x": A}}, False),
        ({**HELD, "allOf": [HELD]}, False),
        ({"type": "array", "items": HELD}, False),
        (True, False),
    ],
)
def test_strict_is_said_only_of_schemas_that_openai_accepts(schema: Any, *, accepted: bool) -> None:
    assert strict.accepts(msgspec.Raw(msgspec.json.encode(schema))) is accepted
    if not isinstance(schema, dict):
        return
    tool = {"name": "f", "input_schema": schema, "strict": True}
    wanted = {"format": {"type": "json_schema", "schema": schema}}
    fields = sent(MESSAGES, "openai", max_tokens=9, tools=[tool], output_config=wanted)
    assert fields["tools"][0]["function"].get("strict", False) is accepted
    assert fields["response_format"]["json_schema"]["strict"] is accepted
    assert fields["response_format"]["json_schema"]["schema"] == schema


def test_no_schema_that_is_none_is_strict() -> None:
    assert not strict.accepts(msgspec.Raw(b"{"))


def test_no_schema_is_strict_that_is_nested_too_deeply_to_be_looked_at() -> None:
    root = b'{"type":"object","additionalProperties":false,"anyOf":%b}'
    deep = [root % (b"[" * depth + b"]" * depth) for depth in range(10, 1500, 10)]
    accepted = [strict.accepts(msgspec.Raw(schema)) for schema in deep]
    assert accepted == sorted(accepted, reverse=True)
    assert (accepted[0], accepted[-1]) == (True, False)


# What means the same in other words


@pytest.mark.parametrize(
    ("protocol", "name", "fields"),
    [
        ("openai", "gpt-5.1", {"reasoning_effort": "none"}),
        ("openai", "gpt-5.6-sol", {"reasoning_effort": "none"}),
        ("openai", "openai/gpt-5-mini", {"reasoning_effort": "minimal"}),
        ("openai", "o4-mini", {"reasoning_effort": "low"}),
        ("openai", "gpt-5-codex", {}),
        ("openai", "deepseek-v4-pro", {}),
        ("gemini", "gemini-2.5-flash", {"thinkingBudget": 0, "includeThoughts": False}),
        ("gemini", "gemini-2.5-pro", {"thinkingBudget": 128, "includeThoughts": False}),
        ("gemini", "gemini-3-pro", {"thinkingLevel": "low", "includeThoughts": False}),
        ("ollama", "qwen3", {"think": False}),
    ],
)
def test_no_thinking_becomes_the_least_a_model_can(
    protocol: Protocol, name: str, fields: dict[str, Any]
) -> None:
    asked = sent(MESSAGES, protocol, name, max_tokens=9, thinking={"type": "disabled"})
    if protocol == "gemini":
        asked = asked["generationConfig"]["thinkingConfig"]
    names = ("reasoning_effort", "think", "thinkingBudget", "thinkingLevel", "includeThoughts")
    assert {key: asked[key] for key in names if key in asked} == fields


@pytest.mark.parametrize(
    ("name", "takes"),
    [
        ("gpt-4o", True), ("gpt-5.1", True), ("gpt-5-chat-latest", True), ("deepseek-chat", True),
        ("o3-mini", False), ("openai/gpt-5", False), ("gpt-5-nano-2025-08-07", False),
    ],
)  # fmt: skip
def test_openais_reasoning_models_get_no_sampling(name: str, *, takes: bool) -> None:
    asked = sent(MESSAGES, "openai", name, max_tokens=9, temperature=0.5, top_p=0.5)
    assert [key in asked for key in ("temperature", "top_p")] == [takes, takes]


@pytest.mark.parametrize("protocol", ["openai", "gemini", "ollama"])
def test_a_text_document_keeps_its_title(protocol: Protocol) -> None:
    source = {"type": "text", "media_type": "text/plain", "data": "the body"}
    block = {"type": "document", "source": source, "title": "A Title"}
    turns = [{"role": "user", "content": [block]}]
    asked = sent(MESSAGES, protocol, max_tokens=9, messages=turns)
    assert "A Title\\n\\nthe body" in msgspec.json.encode(asked).decode()


@pytest.mark.parametrize("protocol", ["anthropic", "gemini", "ollama"])
def test_what_an_answers_schema_is_for_is_told(protocol: Protocol) -> None:
    schema = {"name": "x", "description": "what it is for", "schema": A}
    asked = sent(CHAT, protocol, response_format={"type": "json_schema", "json_schema": schema})
    assert b'"description":"what it is for"' in msgspec.json.encode(asked)


CACHE = {"type": "ephemeral", "ttl": "1h"}


def test_cache_marks_of_an_openai_client_go_to_anthropic() -> None:
    marked = {"type": "text", "text": "x", "cache_control": CACHE}
    image = {"type": "image_url", "image_url": {"url": "https://x.test/a"}, "cache_control": CACHE}
    call = {"id": "t", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    turns = [
        {"role": "system", "content": [marked]},
        {"role": "user", "content": [marked, image]},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "t", "content": [marked]},
    ]
    tool = {"type": "function", "function": {"name": "f"}, "cache_control": CACHE}
    asked = sent(CHAT, "anthropic", messages=turns, tools=[tool])
    assert [block["cache_control"] for block in asked["system"]] == [CACHE]
    assert [block["cache_control"] for block in asked["messages"][0]["content"]] == [CACHE, CACHE]
    assert asked["messages"][2]["content"][0]["content"][0]["cache_control"] == CACHE
    assert asked["tools"][0]["cache_control"] == CACHE
    assert b"cache_control" not in msgspec.json.encode(
        sent(CHAT, "gemini", messages=[turns[0], *HI])
    )


@pytest.mark.parametrize(
    ("thoughts", "wanted"),
    [
        ([{"type": "thinking", "thinking": "hm", "signature": ""}], "hm"),
        ([{"type": "thinking", "thinking": "hm", "signature": "anthropics"}], ""),
        ([{"type": "redacted_thinking", "data": "sealed"}], ""),
        ([], ""),
    ],
)
def test_deepseek_gets_the_reasoning_of_every_turn_back(thoughts: list[Any], wanted: str) -> None:
    use = {"type": "tool_use", "id": "t1", "name": "f", "input": {}}
    result = {"type": "tool_result", "tool_use_id": "t1", "content": "1"}
    turns = [
        *HI,
        {"role": "assistant", "content": [*thoughts, use]},
        {"role": "user", "content": [result]},
        {"role": "assistant", "content": "done"},
        *HI,
    ]
    for name in ("deepseek-v4-flash", "deepseek/deepseek-v4-pro"):
        messages = sent(MESSAGES, "openai", name, max_tokens=9, messages=turns)["messages"]
        reasoning = [message.get("reasoning_content") for message in messages]
        assert reasoning == [None, wanted, None, "", None]
    for name in ("gpt-4o", "DeepSeek-R1-Distill-Llama-70B"):
        others = sent(MESSAGES, "openai", name, max_tokens=9, messages=turns)["messages"]
        assert not any("reasoning_content" in message for message in others)


def test_a_limit_of_nothing_is_named() -> None:
    with pytest.raises(CannotCarryError, match="max_tokens"):
        sent(CHAT, "anthropic", max_tokens=0)


# What is legal and means nothing special


@pytest.mark.parametrize(
    ("endpoint", "more"),
    [
        (CHAT, {"logit_bias": {}}),
        (CHAT, {"prompt_cache_options": {"mode": "x"}}),
        (MESSAGES, {"speed": "standard"}),
        (MESSAGES, {"metadata": {"user_id": "u", "team": "t"}}),
        (MESSAGES, {"tools": [{"name": "f", "input_schema": A, "defer_loading": False}]}),
        (
            MESSAGES,
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [
                            {
                                "type": "document",
                                "source": {"type": "base64", "media_type": "application/pdf",
                                           "data": "aGk="},
                                "citations": {"enabled": False},
                            }
                        ],
                    }
                ]
            },
        ),
    ],
)  # fmt: skip
def test_what_changes_nothing_is_carried(endpoint: Endpoint, more: dict[str, Any]) -> None:
    assert sent(endpoint, "gemini", **{"max_tokens": 9, **more})


@pytest.mark.parametrize(
    ("endpoint", "more", "named"),
    [
        (CHAT, {"logit_bias": {"1": 1}}, "logit_bias"),
        (MESSAGES, {"speed": "fast"}, "speed"),
        (
            MESSAGES,
            {"tools": [{"name": "f", "input_schema": A, "defer_loading": True}]},
            "defer_loading",
        ),
    ],
)
def test_what_changes_something_is_not(
    endpoint: Endpoint, more: dict[str, Any], named: str
) -> None:
    with pytest.raises(CannotCarryError, match=named):
        sent(endpoint, "gemini", **{"max_tokens": 9, **more})


SYSTEM = {"role": "system", "content": "from now on"}
SAID = {"role": "assistant", "content": "ok"}


@pytest.mark.parametrize(
    ("turns", "roles"),
    [
        ([*HI, SYSTEM], ["user", "system"]),
        ([*HI, SYSTEM, SAID, *HI], ["user", "system", "assistant", "user"]),
        ([*HI, SAID, SYSTEM, *HI], ["user", "assistant", "user", "system"]),
    ],
)
def test_a_system_message_in_the_middle_goes_behind_a_turn_of_the_user(
    turns: list[Any], roles: list[str]
) -> None:
    asked = sent(CHAT, "anthropic", "claude-opus-4-8", messages=turns)
    assert [turn["role"] for turn in asked["messages"]] == roles
    with pytest.raises(CannotCarryError, match="role 'system'"):
        sent(CHAT, "anthropic", "claude-opus-4-7", messages=turns)
    with pytest.raises(CannotCarryError, match="role 'system'"):
        sent(CHAT, "anthropic", "claude-opus-4-8", messages=[*HI, SAID, SYSTEM])
