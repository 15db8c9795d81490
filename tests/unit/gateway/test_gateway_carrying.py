"""What translation carries, in the form each target accepts, and what it leaves out."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from gateway_doubles import model, provider, table

from modelops.gateway.body import Body
from modelops.gateway.call import Endpoint
from modelops.gateway.protocols import ADAPTERS
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
