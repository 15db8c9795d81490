"""Recorded answers of real providers, decoded: the protocol each is in, and its events in order.

Knows nothing of this project, so that the vectors can be run against any other gateway: an answer
is a list of decoded JSON documents, one for a plain body, one per event of a stream.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import yaml

CASSETTES = Path(__file__).resolve().parents[3] / "shared" / "cassettes"

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_PATHS = {
    "/chat/completions": "openai",
    "/embeddings": "openai",
    "/responses": "openai",
    "/messages": "anthropic",
    ":generateContent": "gemini",
    ":streamGenerateContent": "gemini",
    "/api/chat": "ollama",
}
_FOLDERS = {
    "anthropic-sdk-python": "anthropic",
    "gomodel/anthropic": "anthropic",
    "gomodel/gemini": "openai",
    "gomodel/xai": "openai",
    "vercel-ai/anthropic": "anthropic",
    "vercel-ai/google": "gemini",
    "vercel-ai": "openai",
}


class Answer(NamedTuple):
    """One recorded answer; `name` is its file and, in a cassette, its number in it."""

    name: str
    protocol: str
    events: list[dict[str, Any]]


def answers() -> Iterator[Answer]:
    """Yield every recorded answer that was not an error."""
    for path in sorted(CASSETTES.rglob("*")):
        name = path.relative_to(CASSETTES).as_posix()
        if path.suffix == ".yaml":
            yield from _from_cassette(path, name)
        elif path.suffix in (".txt", ".json", ".sse"):
            protocol = next((p for folder, p in _FOLDERS.items() if name.startswith(folder)), "")
            events = list(_documents(path.read_text()))
            if protocol and path.name != "models.json" and _is_answer(events):
                yield Answer(name, protocol, events)


def _from_cassette(path: Path, name: str) -> Iterator[Answer]:
    document = yaml.load(path.read_text(), Loader=_LOADER)  # noqa: S506  the safe loader in C
    for number, exchange in enumerate(document["interactions"]):
        request, response = exchange["request"], exchange["response"]
        status = response.get("code") or response["status"]["code"]
        address = urlsplit(request.get("uri") or request["url"]).path
        protocol = next((p for end, p in _PATHS.items() if address.endswith(end)), "")
        if protocol and status == 200:
            events = list(_documents(_text(response)))
            if _is_answer(events):
                yield Answer(f"{name}#{number}", protocol, events)


def _text(response: dict[str, Any]) -> str:
    if response.get("parsed_body") is not None:
        return json.dumps(response["parsed_body"])
    body = response.get("body")
    content = body.get("string") if isinstance(body, dict) else body
    raw = content.encode() if isinstance(content, str) else bytes(content or b"")
    return (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode()


def _documents(text: str) -> Iterator[dict[str, Any]]:
    """Decode a body: one document, an array of them, server-sent events, or one per line."""
    try:
        whole = json.loads(text)
    except ValueError:
        for line in text.splitlines():
            data = line.removeprefix("data:").strip()
            if data.startswith("{") and not line.startswith("event:"):
                yield json.loads(data)
    else:
        yield from whole if isinstance(whole, list) else [whole]


def _is_answer(events: list[dict[str, Any]]) -> bool:
    return bool(events) and not events[0].get("error") and events[0].get("type") != "error"
