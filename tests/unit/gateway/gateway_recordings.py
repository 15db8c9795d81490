"""Recorded provider traffic, as request and response bodies."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest
import yaml

CASSETTES = Path(__file__).resolve().parents[4] / "shared" / "cassettes"
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

needs_recordings = pytest.mark.skipif(
    not CASSETTES.exists(), reason=f"no recordings in {CASSETTES}"
)

_KINDS = {
    "/chat/completions": "openai",
    "/v1/messages": "anthropic",
    "enerateContent": "gemini",
    "/api/chat": "ollama",
    "/responses": "responses",
}


class Recorded(msgspec.Struct):
    """One exchange. `kind` is the protocol; `request` is JSON, `response` the body's bytes."""

    name: str
    kind: str
    request: Any
    status: int
    response: bytes

    @property
    def streamed(self) -> bool:
        """Whether the response is a stream of events."""
        start = self.response.lstrip()[:6]
        lines = self.kind == "ollama" and self.response.count(b'"done":false') > 1
        return start in (b"data: ", b"event:") or start[:1] == b":" or lines


def recordings() -> list[Recorded]:
    """Return every recorded exchange of the protocols the gateway speaks."""
    return list(_recordings()) if CASSETTES.exists() else []


def _recordings() -> Iterator[Recorded]:
    for file in sorted(CASSETTES.rglob("*.yaml")):
        document = yaml.load(file.read_text(), Loader=LOADER)  # noqa: S506  the safe loader in C
        for number, item in enumerate(document.get("interactions") or ()):
            request, response = item.get("request") or {}, item.get("response") or {}
            url = urlsplit(str(request.get("uri") or request.get("url") or ""))
            kind = next((kind for part, kind in _KINDS.items() if part in url.path), "")
            sent = _json(request)
            if not kind or not isinstance(sent, dict) or url.path.endswith("count_tokens"):
                continue
            status = response.get("status", 0)
            code = status.get("code") if isinstance(status, dict) else status
            name = f"{file.parent.name}/{file.stem}/{number}"
            yield Recorded(name, kind, sent, int(str(code or 0)[:3]), _bytes(response))


def _bytes(message: dict[str, Any]) -> bytes:
    if "parsed_body" in message:
        return json.dumps(message["parsed_body"]).encode()
    body = message.get("body")
    content = body.get("string") if isinstance(body, dict) else body
    raw = content.encode() if isinstance(content, str) else bytes(content or b"")
    return gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw


def _json(message: dict[str, Any]) -> Any:
    try:
        return msgspec.json.decode(_bytes(message))
    except msgspec.DecodeError:
        return None
