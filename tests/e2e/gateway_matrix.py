"""The failures of a provider and what each becomes: what the matrix test checks, as a table.

`scripts/failures.py` writes it into docs/failures.md.
"""

from __future__ import annotations

from typing import Any

import msgspec


class Expected(msgspec.Struct, frozen=True):
    """What a failure becomes: the status of a lone target's plain and streamed answer.

    `story` is what the header shows of it. `streamed` 200: content may have flowed before it
    failed, and then the stream ends with an error event; where the failure came in one piece with
    the content, nothing had. `caller`: it is returned as it is, healthy target or not. `survived`
    names the kinds of request, plain or stream, that come through all the same.
    """

    fault: dict[str, Any]
    plain: int
    streamed: int
    story: str
    caller: bool = False
    survived: str = ""


def _status(number: int, plain: int = 502, *, caller: bool = False, **fault: Any) -> Expected:
    return Expected({"status": number, **fault}, plain, plain, str(number), caller)


LIMITED = {"retry-after": None, "retry-after-ms": None}
TABLE: dict[str, Expected] = {
    "connection-refused": Expected({}, 502, 502, "connect"),
    "unknown-host": Expected({}, 502, 502, "dns"),
    "no-tls": Expected({}, 502, 502, "tls"),
    "hang": Expected({"kind": "hang"}, 502, 502, "timeout"),
    "slow-head": Expected({"kind": "slow_head", "delay_ms": 400}, 502, 502, "timeout"),
    "stale-connection": Expected(
        {"kind": "close", "times": 1}, 200, 200, "200", survived="plain, stream"
    ),
    "close": Expected({"kind": "close"}, 502, 502, "reset"),
    "reset": Expected({"kind": "reset"}, 502, 502, "reset"),
    "401": _status(401),
    "402": _status(402),
    "403": _status(403),
    "404": _status(404),
    "408": _status(408),
    "409": _status(409),
    "400": _status(400, 400, caller=True),
    "413": _status(413, 413, caller=True),
    "422": _status(422, 422, caller=True),
    "429": _status(429, 429, headers=LIMITED),
    "429-with-retry-after": _status(429, 429, headers={**LIMITED, "retry-after": "30"}),
    "429-billing": _status(429, code="insufficient_quota"),
    "500": _status(500),
    "502": _status(502),
    "503": _status(503),
    "529": _status(529),
    "html": Expected({"kind": "html"}, 502, 502, "502"),
    "empty": Expected({"kind": "empty"}, 502, 502, "error"),
    "error-in-200": Expected({"kind": "error_in_200", "status": 503}, 502, 502, "error"),
    "error-before-content": Expected(
        {"kind": "error_in_stream", "status": 503, "after_events": 0}, 502, 502, "error"
    ),
    "truncated-json": Expected({"kind": "truncated_json"}, 502, 200, "error"),
    "cut": Expected({"kind": "cut"}, 502, 200, "cut"),
    "stall": Expected({"kind": "stall", "delay_ms": 3000}, 502, 200, "timeout", survived="stream"),
    "malformed-chunk": Expected({"kind": "malformed_chunk"}, 502, 200, "malformed"),
    "malformed-event": Expected({"kind": "malformed_event"}, 502, 200, "error"),
    "oversized-event": Expected(
        {"kind": "oversized_event", "size": 17 << 20}, 200, 200, "error", survived="plain"
    ),
}
