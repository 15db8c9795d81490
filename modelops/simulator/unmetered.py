"""Takes every report of usage out of a response: some providers send none."""

from __future__ import annotations

from typing import Any

import msgspec

from modelops.simulator.wire import Response, encode

USAGE_FIELDS = frozenset(
    {"usage", "usageMetadata", "x_groq", "prompt_eval_count", "eval_count"},
)
NESTED = ("message", "response")
"""Objects inside an event that may report usage."""


def response(metered: Response) -> Response:
    """Return the response without usage; a chunk that held nothing else is left out."""
    if metered.frames is None:
        return msgspec.structs.replace(metered, body=encode(_stripped(_decoded(metered.body))))
    frames = (_frame(frame) for frame in metered.frames)
    return msgspec.structs.replace(metered, frames=tuple(frame for frame in frames if frame))


def _frame(frame: bytes) -> bytes:
    start, end = frame.find(b"{"), frame.rfind(b"}") + 1
    if start < 0:
        return frame
    value = _stripped(_decoded(frame[start:end]))
    if value.get("choices") == []:
        return b""
    return frame[:start] + encode(value) + frame[end:]


def _decoded(data: bytes) -> dict[str, Any]:
    return msgspec.json.decode(data, type=dict[str, Any])


def _stripped(value: dict[str, Any]) -> dict[str, Any]:
    kept = {name: item for name, item in value.items() if name not in USAGE_FIELDS}
    for name in NESTED:
        if isinstance(kept.get(name), dict):
            kept[name] = _stripped(kept[name])
    return kept
