"""Recorded answers of real providers, as exchanges; `rows.json` has the row of each.

Knows nothing of this project, so that the vectors can be run against any other gateway.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml
from conformance_exchange import Exchange, as_events

CASSETTES = Path(__file__).resolve().parents[3] / "shared" / "cassettes"

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_ENDPOINTS = {
    "/chat/completions": "/v1/chat/completions",
    "/embeddings": "/v1/embeddings",
    "/responses": "/v1/responses",
    "/messages": "/v1/messages",
    "/messages/count_tokens": "/v1/messages/count_tokens",
    ":generateContent": "generateContent",
    ":streamGenerateContent": "generateContent",
    "/api/chat": "/api/chat",
}
_FOLDERS = {
    "anthropic-sdk-python": "/v1/messages",
    "gomodel/anthropic": "/v1/messages",
    "gomodel": "/v1/chat/completions",
    "vercel-ai/anthropic": "/v1/messages",
    "vercel-ai/google": "generateContent",
    "vercel-ai/open-responses": "/v1/responses",
    "vercel-ai/openai/src/responses": "/v1/responses",
    "vercel-ai": "/v1/chat/completions",
}
_STATUSES = {
    "vercel-ai/google/google-429-retry-info.json": 429,
    "vercel-ai/openai/src/chat/reasoning-model-legacy-parameter-error.json": 400,
    "vercel-ai/openai/src/responses/openai-error.1.json": 429,
}
"""Of bodies that were recorded alone; all others of them came with 200."""


def exchanges() -> Iterator[Exchange]:
    """Yield every recorded exchange, named by its file and, in a cassette, its number in it.

    What is no call of a model has no endpoint: lists of models, pictures, files of another kind.
    """
    for path in sorted(CASSETTES.rglob("*")):
        name = path.relative_to(CASSETTES).as_posix()
        if path.suffix == ".yaml":
            yield from _from_cassette(path, name)
        elif path.is_file():
            yield _from_body(path, name)


def _from_cassette(path: Path, name: str) -> Iterator[Exchange]:
    document = yaml.load(path.read_text(), Loader=_LOADER)  # noqa: S506  the safe loader in C
    for number, exchange in enumerate(document["interactions"]):
        request, response = exchange["request"], exchange["response"]
        address = urlsplit(request.get("uri") or request["url"]).path
        endpoint = next((mine for end, mine in _ENDPOINTS.items() if address.endswith(end)), "")
        stream = address.endswith(":streamGenerateContent") or _asks_for_a_stream(request)
        status = response.get("code") or response["status"]["code"]
        body = _content(response)
        if stream and body.startswith(b"["):  # asked for without alt=sse: a list of the same events
            body = as_events(json.dumps(event).encode() for event in json.loads(body))
        yield Exchange(f"{name}#{number}", endpoint, stream, status, body)


def _from_body(path: Path, name: str) -> Exchange:
    if path.suffix not in (".json", ".txt", ".sse") or path.name == "models.json":
        return Exchange(name, "", stream=False, status=0, body=b"")
    endpoint = next(mine for folder, mine in _FOLDERS.items() if name.startswith(folder))
    body = path.read_bytes()
    if name.endswith(".chunks.txt"):  # the data of one event a line
        marker = [b"[DONE]"] if endpoint == "/v1/chat/completions" else []
        body = as_events([line for line in body.splitlines() if line.strip()] + marker)
    return Exchange(name, endpoint, path.suffix != ".json", _STATUSES.get(name, 200), body)


def _asks_for_a_stream(request: dict[str, Any]) -> bool:
    content = _content(request)
    return content[:1] == b"{" and json.loads(content).get("stream") is True


def _content(message: dict[str, Any]) -> bytes:
    if message.get("parsed_body") is not None:
        return json.dumps(message["parsed_body"]).encode()
    body = message.get("body")
    content = body.get("string") if isinstance(body, dict) else body
    raw = content.encode() if isinstance(content, str) else bytes(content or b"")
    return gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
