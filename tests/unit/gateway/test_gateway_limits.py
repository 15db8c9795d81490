"""A fallback with a lower limit: what a request's budget for thinking becomes."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from modelops.gateway.body import Body
from modelops.gateway.protocols.limits import within


@pytest.mark.parametrize(
    ("thinking", "most", "sent"),
    [
        ({"type": "enabled", "budget_tokens": 31_999}, 8192, 6144),
        ({"type": "enabled", "budget_tokens": 2000}, 8192, 2000),
        ({"type": "enabled", "budget_tokens": 31_999}, 1366, 1025),
        ({"type": "enabled", "budget_tokens": 31_999}, 1024, None),
        ({"type": "enabled", "budget_tokens": "odd"}, 8192, "odd"),
    ],
)
def test_a_budget_is_lowered_with_the_limit_it_is_part_of(
    thinking: dict[str, Any], most: int, sent: Any
) -> None:
    asked = msgspec.json.encode({"max_tokens": 32_000, "thinking": thinking})
    fields = within(Body("/v1/messages", asked), most).fields
    assert bytes(fields["max_tokens"]) == b"%d" % most
    expected = None if sent is None else {**thinking, "budget_tokens": sent}
    raw = fields.get("thinking")
    assert (None if raw is None else msgspec.json.decode(raw)) == expected


@pytest.mark.parametrize("thinking", [{"type": "adaptive"}, None, "odd"])
def test_what_holds_no_budget_stays(thinking: object) -> None:
    body = Body("/v1/messages", msgspec.json.encode({"max_tokens": 9000, "thinking": thinking}))
    assert within(body, 100).fields["thinking"] == body.fields["thinking"]
