"""The simulator against recorded traffic: it takes what providers took, and sends what they sent.

Requests are replayed from recordings, and every field of the simulator's answers must stand in some
recorded answer of the same kind.
"""

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

from modelops.simulator.simulator import Simulator

CASSETTES = Path(__file__).resolve().parents[3] / "shared" / "cassettes"

PROVIDERS = {
    "api.openai.com": "openai",
    "api.anthropic.com": "anthropic",
    "generativelanguage.googleapis.com": "google",
    "openrouter.ai": "openrouter",
    "api.deepseek.com": "deepseek",
    "api.z.ai": "glm",
    "api.groq.com": "groq",
    "localhost": "ollama",
    "127.0.0.1": "ollama",
    "ollama.com": "ollama",
}
ENDPOINTS = (
    "/chat/completions",
    "/responses",
    "/embeddings",
    "/messages",
    "/count_tokens",
    "enerateContent",
    "/api/chat",
)
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
KEYS = {"authorization": "Bearer k", "x-api-key": "k", "x-goog-api-key": "k"}

pytestmark = pytest.mark.skipif(not CASSETTES.exists(), reason=f"no recordings in {CASSETTES}")


class Recorded(msgspec.Struct):
    """One recorded request and its answer: JSON values, or the events of a stream."""

    name: str
    provider: str
    url: str
    request: Any
    status: int
    answers: list[Any]

    @property
    def kind(self) -> str:
        """What is answered: the endpoint, apart for streams."""
        endpoint = self.url.partition("?")[0].rpartition("/")[2].rpartition(":")[2]
        endpoint = endpoint.replace("streamG", "g")
        return f"{endpoint}{' stream' if len(self.answers) > 1 else ''}"


def recordings() -> list[Recorded]:
    """Return every recorded exchange with an endpoint the simulator has."""
    found = []
    for file in sorted(CASSETTES.rglob("*.yaml")):
        document = yaml.load(file.read_text(), Loader=LOADER)  # noqa: S506 - a safe loader
        for number, exchange in enumerate(document["interactions"]):
            request, response = exchange["request"], exchange["response"]
            address = urlsplit(request.get("uri") or request["url"])
            provider = PROVIDERS.get(str(address.hostname))
            body = _body(request)
            if provider is None or not address.path.endswith(ENDPOINTS) or not body:
                continue
            url = f"/{provider}{address.path}" + (f"?{address.query}" if address.query else "")
            status = response.get("code") or response["status"]["code"]
            answers = list(_answers(_body(response)))
            name = f"{file.stem[:60]}-{number}"
            found.append(Recorded(name, provider, url, json.loads(body), status, answers))
    return found


def _body(message: dict[str, Any]) -> bytes:
    if message.get("parsed_body") is not None:
        return json.dumps(message["parsed_body"]).encode()
    body = message.get("body")
    if isinstance(body, dict):
        body = body.get("string") or body.get("base64_string")
    data = body.encode() if isinstance(body, str) else body or b""
    return gzip.decompress(data) if data[:2] == b"\x1f\x8b" else bytes(data)


def _answers(body: bytes) -> Iterator[Any]:
    lines = body.decode().splitlines()
    streamed = [line[6:] for line in lines if line.startswith("data: ")]
    if not streamed and len(lines) > 1 and lines[0].startswith("{") and lines[0].endswith("}"):
        streamed = [line for line in lines if line]
    for text in streamed or [body.decode()]:
        if text.strip() and text != "[DONE]":
            yield json.loads(text)


RECORDED = recordings() if CASSETTES.exists() else []
SIGNED = ("signature", "Signature")
"""What the simulator says of thoughts that it did not sign itself."""


def answered(recorded: Recorded, sim: Simulator) -> tuple[int, bytes]:
    """Send a recorded request to a simulator; return the status and what followed the head."""
    headers = {**KEYS}
    if recorded.provider == "anthropic":
        headers["anthropic-version"] = "2023-06-01"
    data = json.dumps(recorded.request).encode()
    exchange = sim.exchange("POST", recorded.url.encode(), headers, data)
    written = b"".join(step for step in exchange.delivery.steps if isinstance(step, bytes))
    head, _, rest = written.partition(b"\r\n\r\n")
    return int(head.split(b" ", 2)[1]), rest


@pytest.mark.parametrize("recorded", RECORDED, ids=[recorded.name for recorded in RECORDED])
def test_what_a_provider_took_is_taken(recorded: Recorded) -> None:
    status, body = answered(recorded, Simulator())
    if status == 400 and any(word in body.decode() for word in SIGNED):
        pytest.skip("thoughts signed by the real provider")
    if recorded.status == 200:
        assert status == 200, body


def paths(value: Any, where: str = "") -> Iterator[str]:
    """Yield the path of every field of a JSON value; list items share theirs."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield f"{where}.{name}"
            yield from paths(item, f"{where}.{name}")
    elif isinstance(value, list):
        for item in value:
            yield from paths(item, f"{where}[]")


INVENTED = frozenset({".input", ".args", ".arguments", ".parameters", ".schema", ".input_schema"})
"""Fields below which the caller's own names stand."""


DOCUMENTED = {
    "messages stream": {
        ".usage.output_tokens_details",
        ".usage.output_tokens_details.thinking_tokens",
    },
    "responses": {".output[].summary"},
}
"""Fields that no recording shows and the official SDKs' types have."""


def known(kind: str) -> set[str]:
    """Return the path of every field that a recorded answer of one kind has."""
    return DOCUMENTED.get(kind, set()) | {
        path
        for recorded in RECORDED
        if recorded.kind == kind and recorded.status == 200
        for answer in recorded.answers
        for path in paths(answer)
    }


@pytest.mark.parametrize("kind", sorted({recorded.kind for recorded in RECORDED}))
def test_what_is_sent_was_sent_by_a_provider(kind: str) -> None:
    allowed = known(kind)
    for recorded in RECORDED:
        if recorded.kind != kind or recorded.status != 200:
            continue
        status, body = answered(recorded, Simulator())
        if status != 200:
            continue
        for answer in _answers(_unchunked(body)):
            for path in paths(answer):
                if not any(mark in path for mark in INVENTED):
                    assert path in allowed, f"{recorded.name} never had {path}"


def _unchunked(body: bytes) -> bytes:
    if body[:1] in b"{[":
        return body
    data = b""
    while body:
        length, _, body = body.partition(b"\r\n")
        data += body[: int(length, 16)]
        body = body[int(length, 16) + 2 :]
    return data
