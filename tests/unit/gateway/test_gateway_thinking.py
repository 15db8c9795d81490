"""Reasoning at Anthropic: each version in its own words, and no request that it answers 400."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from gateway_doubles import model, provider, table

from modelops.gateway.body import Body
from modelops.gateway.call import Endpoint
from modelops.gateway.protocols import ADAPTERS
from modelops.gateway.protocols.adapter import CannotCarryError
from modelops.gateway.table import Target
from modelops.resources.resolved import Parameters

CHAT: Endpoint = "/v1/chat/completions"
MESSAGES: Endpoint = "/v1/messages"
HI: list[Any] = [{"role": "user", "content": "hi"}]
TOOLS = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]


def claude(name: str, **changes: Any) -> Target:
    """Return a Claude model as a target."""
    known: dict[str, Any] = {"capabilities": ("tools", "reasoning"), "max_output_tokens": 64_000}
    one = model("one/m", upstream_model=name, **(known | changes))
    return table(provider("one", protocol="anthropic"), one).models["one/m"]


def sent(target: Target, endpoint: Endpoint = CHAT, **fields: Any) -> dict[str, Any]:
    """Return what goes to a target for a request."""
    body = Body(endpoint, msgspec.json.encode({"model": "m", "messages": HI} | fields))
    outgoing = ADAPTERS[endpoint, "anthropic"].outgoing(body, {}, target, None)
    return msgspec.json.decode(outgoing.body, type=dict[str, Any])


@pytest.mark.parametrize(
    ("name", "effort", "wanted"),
    [
        ("claude-opus-4-7", "high", "high"), ("claude-opus-4-8", "xhigh", "xhigh"),
        ("claude-sonnet-5", "minimal", "low"), ("claude-opus-5-5", "max", "max"),
        ("claude-opus-4-6", "xhigh", "high"), ("claude-sonnet-4-6", "max", "max"),
    ],
)  # fmt: skip
def test_newer_models_get_an_effort(name: str, effort: str, wanted: str) -> None:
    fields = sent(claude(name), reasoning_effort=effort)
    assert fields["thinking"] == {"type": "adaptive"}
    assert fields["output_config"] == {"effort": wanted}


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("claude-opus-4-6", {"temperature": 0.2, "top_p": 0.9}), ("claude-opus-4-7", {}),
        ("claude-haiku-5-5", {}), ("claude-fable-5", {}),
    ],
)  # fmt: skip
def test_models_that_take_no_sampling_get_none(name: str, wanted: dict[str, float]) -> None:
    fields = sent(claude(name), temperature=0.2, top_p=0.9)
    assert {key: fields[key] for key in ("temperature", "top_p") if key in fields} == wanted


def test_no_reasoning_is_said_where_it_is_the_default() -> None:
    assert "thinking" not in sent(claude("claude-opus-4-8"), reasoning_effort="none")
    fields = sent(claude("claude-sonnet-5"), reasoning_effort="none")
    assert fields["thinking"] == {"type": "disabled"}
    with pytest.raises(CannotCarryError, match="always"):
        sent(claude("claude-fable-5"), reasoning_effort="none")


OLDER = "claude-sonnet-4-5"


@pytest.mark.parametrize(
    ("limit", "effort", "budget"),
    [(100_000, "high", 16_384), (4000, "high", 3000), (1100, "low", 1024), (None, "low", 2048)],
)
def test_a_budget_stays_within_what_the_caller_allows(
    limit: int | None, effort: str, budget: int
) -> None:
    fields = sent(claude(OLDER), reasoning_effort=effort, max_completion_tokens=limit)
    assert fields["max_tokens"] == (limit or 64_000)
    assert fields["thinking"] == {"type": "enabled", "budget_tokens": budget}


def test_no_budget_fits_a_small_limit_and_that_is_said() -> None:
    with pytest.raises(CannotCarryError, match="reasoning within 100 tokens"):
        sent(claude(OLDER), reasoning_effort="medium", max_completion_tokens=100)
    unlimited = sent(claude(OLDER, max_output_tokens=None), reasoning_effort="max")
    assert unlimited["max_tokens"] > unlimited["thinking"]["budget_tokens"] == 32_768


def test_a_tool_that_must_be_called_goes_without_a_thought() -> None:
    forced: dict[str, Any] = {"reasoning_effort": "high", "tools": TOOLS, "tool_choice": "required"}
    assert "thinking" not in sent(claude(OLDER), **forced)
    newer = sent(claude("claude-opus-5"), **forced)
    assert "thinking" not in newer
    assert newer["output_config"] == {"effort": "high"}


def called(**more: Any) -> dict[str, Any]:
    """Return an OpenAI client's turn of the model that calls a tool."""
    call = {"id": "t1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    return {"role": "assistant", "content": None, "tool_calls": [call], **more}


SIGNED = [
    {"type": "reasoning.text", "text": "hm", "signature": "s", "format": "anthropic-claude-v1"}
]
ANSWERED = {"role": "tool", "tool_call_id": "t1", "content": "1"}


@pytest.mark.parametrize(
    ("turns", "thinks"),
    [
        ([called(), ANSWERED], False),
        ([called(reasoning_content="theirs"), ANSWERED], False),
        ([called(reasoning_details=SIGNED), ANSWERED], True),
        ([called(reasoning_details=SIGNED), ANSWERED, called(), ANSWERED], True),
        ([called(), ANSWERED, called(reasoning_details=SIGNED), ANSWERED], False),
        ([called(), ANSWERED, {"role": "assistant", "content": "1"}, *HI], True),
    ],
)
def test_a_loop_that_began_without_a_thought_goes_on_without(
    turns: list[dict[str, Any]], *, thinks: bool
) -> None:
    asked: dict[str, Any] = {"reasoning_effort": "low", "tools": TOOLS, "messages": [*HI, *turns]}
    assert ("thinking" in sent(claude(OLDER), **asked)) is thinks
    assert "thinking" in sent(claude("claude-opus-4-7"), **asked), "it asks for no thought there"


USE = {"type": "tool_use", "id": "t1", "name": "f", "input": {}}
THEIRS = {"type": "thinking", "thinking": "theirs", "signature": ""}
OWN = {"type": "thinking", "thinking": "own", "signature": "c2ln"}
RESULT = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1"}]}
MANUAL = {"type": "enabled", "budget_tokens": 2000}


@pytest.mark.parametrize(
    ("blocks", "thinking", "kept"),
    [
        ([THEIRS, USE], MANUAL, False),
        ([USE], MANUAL, False),
        ([OWN, USE], MANUAL, True),
        ([THEIRS, USE], {"type": "adaptive"}, True),
    ],
)
def test_a_loop_of_another_provider_goes_on_in_the_same_protocol(
    blocks: list[Any], thinking: dict[str, Any], *, kept: bool
) -> None:
    turns = [*HI, {"role": "assistant", "content": blocks}, RESULT]
    fields = sent(claude(OLDER), MESSAGES, messages=turns, thinking=thinking, max_tokens=9000)
    assert ("thinking" in fields) is kept
    after = [*turns, {"role": "assistant", "content": "1"}, *HI]
    assert "thinking" in sent(claude(OLDER), MESSAGES, messages=after, thinking=thinking)


@pytest.mark.parametrize("endpoint", [CHAT, MESSAGES])
def test_an_agents_sampling_is_kept_from_models_that_take_none(endpoint: Endpoint) -> None:
    agents = Parameters(max_tokens=9, temperature=Decimal("0.5"), top_p=None)
    body = Body(endpoint, msgspec.json.encode({"model": "m", "messages": HI}))
    for name, takes in (("claude-opus-4-7", False), ("claude-opus-4-6", True)):
        target = claude(name, capabilities=None)
        outgoing = ADAPTERS[endpoint, "anthropic"].outgoing(body, {}, target, agents)
        fields = msgspec.json.decode(outgoing.body)
        assert fields["max_tokens"] == 9
        assert ("temperature" in fields) is takes
