"""What Claude Code sends with every request, at targets that speak another protocol."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec
import pytest
from gateway_doubles import Bench, FakeResponse, chain, model, provider, settings, story, table

from modelops.gateway.body import Body
from modelops.gateway.protocols import ADAPTERS
from modelops.gateway.protocols.adapter import CannotCarryError
from modelops.resources.resolved import Protocol

CLEAR = {"type": "clear_thinking_20251015", "keep": "all"}
BETWEEN = {"role": "system", "content": "# MCP servers"}
ASK: dict[str, Any] = {
    "model": "m",
    "system": [{"type": "text", "text": "You are it.", "cache_control": {"type": "ephemeral"}}],
    "messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}],
    "tools": [{"name": "Read", "description": "x", "input_schema": {"type": "object"}}],
    "metadata": {"user_id": '{"device_id":"4f2","account_uuid":"","session_id":"f4e"}'},
    "max_tokens": 32000,
    "thinking": {"type": "adaptive"},
    "context_management": {"edits": [CLEAR]},
    "output_config": {"effort": "high"},
    "stream": True,
}
"""A request of Claude Code 2.1, with less text and fewer tools, and without `BETWEEN`."""

OTHERS: list[Protocol] = ["openai", "gemini", "ollama"]


def sent(protocol: Protocol, *capabilities: str, **fields: Any) -> dict[str, Any]:
    """Return what goes to a model with these capabilities."""
    one = model("one/m", capabilities=("tools", *capabilities))
    target = table(provider("one", protocol=protocol), one).models["one/m"]
    body = Body("/v1/messages", msgspec.json.encode(ASK | fields))
    outgoing = ADAPTERS["/v1/messages", protocol].outgoing(body, {}, target, None)
    return msgspec.json.decode(outgoing.body, type=dict[str, Any])


@pytest.mark.parametrize("protocol", OTHERS)
@pytest.mark.parametrize("fields", [{}, {"thinking": None}])
def test_a_model_that_does_not_reason_may_leave_it(
    protocol: Protocol, fields: dict[str, Any]
) -> None:
    plain = sent(protocol, thinking=None, output_config=None, context_management=None)
    assert sent(protocol, **fields) == plain
    assert sent(protocol, "reasoning", **fields) != plain


@pytest.mark.parametrize("protocol", OTHERS)
def test_a_model_that_does_not_reason_cannot_where_it_is_told_to(protocol: Protocol) -> None:
    with pytest.raises(CannotCarryError, match="reasoning: the model does none"):
        sent(protocol, thinking={"type": "enabled", "budget_tokens": 2000})


@pytest.mark.parametrize(
    "managed",
    [
        {"edits": [CLEAR, {"type": "clear_tool_uses_20250919"}]},
        {"edits": [{"type": "compact_20260112"}]},
        {"edits": [], "else": True},
    ],
)
def test_no_other_management_of_the_context_is_left_out(managed: dict[str, Any]) -> None:
    with pytest.raises(CannotCarryError, match="context_management"):
        sent("openai", context_management=managed)


SESSION = "f4eff9d5-f816-4a65-a78b-62ec8efa176f"
ACCOUNT = "6d5e7a1c-0000-4000-8000-000000000001"


@pytest.mark.parametrize(
    ("user_id", "user"),
    [
        (f'{{"device_id":"4f2","account_uuid":"{ACCOUNT}","session_id":"{SESSION}"}}', ACCOUNT),
        (f'{{"device_id":"4f2","account_uuid":"","session_id":"{SESSION}"}}', None),
        (f"user_4f2_account_{ACCOUNT}_session_{SESSION}", ACCOUNT),
        ("u-1", "u-1"),
        ("x" * 64, "x" * 64),
        ("x" * 65, hashlib.sha256(b"x" * 65).hexdigest()),
    ],
)
def test_no_other_provider_is_told_device_or_session(user_id: str, user: str | None) -> None:
    assert sent("openai", metadata={"user_id": user_id}).get("user") == user


TABLE = table(
    provider("claude", protocol="anthropic"), provider("google", protocol="gemini"),
    provider("gpt"),
    model("claude/opus"), model("google/flash"), model("gpt/4o"),
    chain("both", "claude/opus", "google/flash"), chain("chat", "gpt/4o", "google/flash"),
    settings("both"),
)  # fmt: skip


@pytest.mark.parametrize("name", ["both", "google/flash"])
async def test_claude_code_is_told_to_do_without_a_system_message_in_the_middle(name: str) -> None:
    """It sends again without where `not supported` and `/role .{0,2}system/i` are in a 400."""
    bench = Bench(TABLE)
    bench.client.script("claude", *[FakeResponse(529, b"{}")] * 3)
    asked = {**ASK, "model": name, "messages": [*ASK["messages"], BETWEEN]}
    reply = await bench.ask(asked, endpoint="/v1/messages", dialect="anthropic")
    assert (reply.status, reply.error()["code"]) == (400, "unsupported_feature")
    assert story(reply).endswith("google/flash=cannot-carry")
    assert "role 'system'" in reply.error()["message"]
    assert "not supported" in reply.error()["message"]
    assert "details" not in reply.error()


async def test_a_client_that_expects_no_such_answer_is_told_that_the_chain_failed() -> None:
    bench = Bench(TABLE)
    bench.client.script("gpt", *[FakeResponse(503, b"{}")] * 3)
    turns = [{"role": "user", "content": "hi"}, {"role": "system", "content": "now"}]
    assert (await bench.ask({"model": "chat", "messages": turns})).status == 502
