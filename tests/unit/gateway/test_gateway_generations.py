"""A chain of Claude's generations: a fallback is asked to think in its own words."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from gateway_doubles import Bench, FakeResponse, chain, model, provider, settings, table

from modelops.simulator.simulator import Simulator

NEW, MIDDLE, OLD = "claude-opus-5-5", "claude-sonnet-4-6", "claude-sonnet-4-5"
WITHOUT = "claude-3-5-haiku-20241022"
"""One that does not reason."""
TABLE = table(
    provider("down", protocol="anthropic"), provider("up", protocol="anthropic"),
    model("down/m"),
    *[model(f"up/{name}", max_output_tokens=64_000, capabilities=("tools", "reasoning"))
      for name in (NEW, MIDDLE, OLD)],
    model(f"up/{WITHOUT}", max_output_tokens=8192),
    *[chain(name, "down/m", f"up/{name}") for name in (NEW, MIDDLE, OLD, WITHOUT)],
    settings(NEW),
)  # fmt: skip
ASK: dict[str, Any] = {"max_tokens": 8000, "messages": [{"role": "user", "content": "hi"}]}
ADAPTIVE = {"type": "adaptive"}
BUDGET = {"type": "enabled", "budget_tokens": 3000}
CLEAR = {"type": "clear_thinking_20251015", "keep": "all"}
SCHEMA = {"type": "json_schema", "schema": {"type": "object", "additionalProperties": False}}
TOOLS = [{"name": "f", "input_schema": {"type": "object"}}]
LOOP = [
    *ASK["messages"],
    {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "f", "input": {}}]},
    {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "1"}]},
]


async def arrives(name: str, **fields: Any) -> tuple[dict[str, Any], bytes]:
    """Return what a fallback gets, without what is always so, and the bytes the first one got."""
    bench = Bench(TABLE)
    bench.client.script("down", *[FakeResponse(500, b"{}")] * 3)
    bench.client.script("up", FakeResponse(400, b"{}"))
    body = msgspec.json.encode({"model": name, **ASK, **fields})
    await bench.ask(body, endpoint="/v1/messages", dialect="anthropic")
    last: dict[str, Any] = msgspec.json.decode(bench.client.requests[-1].body)
    assert accepted(last)
    same = {"model", "messages", "max_tokens", "tools", "tool_choice"}
    changed = {key: value for key, value in last.items() if key not in same}
    return changed, bench.client.requests[0].body


def accepted(fields: dict[str, Any]) -> bool:
    """Whether Anthropic, as the simulator plays it, takes a request."""
    headers = {"x-api-key": "key", "anthropic-version": "2023-06-01"}
    sent = Simulator().exchange(
        "POST", b"/anthropic/v1/messages", headers, msgspec.json.encode(fields)
    )
    head = b"".join(step for step in sent.delivery.steps if isinstance(step, bytes))
    return head.startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    ("name", "fields", "wanted"),
    [
        (OLD, {"thinking": ADAPTIVE}, {"thinking": {"type": "enabled", "budget_tokens": 6000}}),
        (OLD, {"thinking": ADAPTIVE, "output_config": {"effort": "low"}},
         {"thinking": {"type": "enabled", "budget_tokens": 2048}}),
        (OLD, {"thinking": {**ADAPTIVE, "display": "omitted"}, "max_tokens": 1100},
         {"thinking": {"type": "enabled", "budget_tokens": 1024, "display": "omitted"}}),
        (OLD, {"thinking": ADAPTIVE, "max_tokens": 1000}, {}),
        (OLD, {"thinking": ADAPTIVE, "tools": TOOLS, "tool_choice": {"type": "any"}}, {}),
        (OLD, {"output_config": {"effort": "high", "format": SCHEMA}},
         {"output_config": {"format": SCHEMA}}),
        (OLD, {"thinking": BUDGET, "top_k": 5}, {"thinking": BUDGET, "top_k": 5}),
        (OLD, {"thinking": ADAPTIVE, "messages": LOOP, "tools": TOOLS,
               "context_management": {"edits": [CLEAR]}}, {}),
        (WITHOUT, {"thinking": ADAPTIVE, "output_config": {"effort": "low"}}, {}),
        (MIDDLE, {"thinking": ADAPTIVE, "output_config": {"effort": "xhigh"}, "top_p": 0.96},
         {"thinking": ADAPTIVE, "output_config": {"effort": "high"}, "top_p": 0.96}),
        (MIDDLE, {"thinking": BUDGET}, {"thinking": BUDGET}),
        (NEW, {"thinking": BUDGET, "temperature": 0.5, "top_p": 0.5, "top_k": 5},
         {"thinking": ADAPTIVE}),
        (NEW, {"thinking": ADAPTIVE, "output_config": {"effort": "xhigh"}},
         {"thinking": ADAPTIVE, "output_config": {"effort": "xhigh"}}),
    ],
)  # fmt: skip
async def test_a_fallback_is_asked_to_think_in_its_own_words(
    name: str, fields: dict[str, Any], wanted: dict[str, Any]
) -> None:
    changed, first = await arrives(name, **fields)
    assert changed == wanted
    assert msgspec.json.decode(first) == {**ASK, **fields, "model": "m"}, "the first gets all"


async def test_a_loop_that_another_began_clears_no_thoughts_at_the_first_target_either() -> None:
    bench = Bench(TABLE)
    bench.client.script("up", FakeResponse(400, b"{}"))
    asked = {**ASK, "model": f"up/{OLD}", "messages": LOOP, "tools": TOOLS, "thinking": BUDGET}
    other = {"type": "clear_tool_uses_20250919"}
    asked["context_management"] = {"edits": [CLEAR, other]}
    await bench.ask(asked, endpoint="/v1/messages", dialect="anthropic")
    sent = msgspec.json.decode(bench.client.requests[0].body)
    assert sent["context_management"] == {"edits": [other]}
    assert "thinking" not in sent


@pytest.mark.parametrize("odd", [{"thinking": 7}, {"output_config": []}, {"max_tokens": "many"}])
async def test_what_is_wrong_anyway_is_the_providers_to_say(odd: dict[str, Any]) -> None:
    bench = Bench(TABLE)
    bench.client.script("down", *[FakeResponse(500, b"{}")] * 3)
    bench.client.script("up", FakeResponse(400, b"{}"))
    asked = {"model": OLD, **ASK, "thinking": ADAPTIVE, **odd}
    await bench.ask(asked, endpoint="/v1/messages", dialect="anthropic")
    assert msgspec.json.decode(bench.client.requests[-1].body) == asked


async def test_a_claude_behind_another_protocol_is_that_providers_affair() -> None:
    bench = Bench(table(
        provider("one"), provider("router"), model("one/a"), model(f"router/{NEW}"),
        chain("pair", "one/a", f"router/{NEW}"), settings("pair"),
    ))  # fmt: skip
    bench.client.script("one", *[FakeResponse(500, b"{}")] * 3)
    bench.client.script("router", FakeResponse(400, b"{}"))
    asked = {"model": "pair", "messages": ASK["messages"], "temperature": 0.5}
    await bench.ask(asked)
    assert msgspec.json.decode(bench.client.requests[-1].body)["temperature"] == 0.5
