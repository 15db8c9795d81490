"""What is asked and what comes back: one exchange of a gateway with a provider.

Knows nothing of this project, so that the vectors can be run against any other gateway.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

GIVEN: dict[str, Any] = json.loads((Path(__file__).parent / "given.json").read_text())
"""What holds for every vector: the price, the requests, and what each row has."""

_PROTOCOLS = {
    "/v1/messages": "anthropic",
    "/v1/messages/count_tokens": "anthropic",
    "generateContent": "gemini",
    "/api/chat": "ollama",
}


class Exchange(NamedTuple):
    """One exchange. `endpoint` is the provider's, `status` and `body` are its answer.

    `cut`: the connection ends before the body does. `priced`: somebody knows the model's price.
    """

    name: str
    endpoint: str
    stream: bool
    status: int
    body: bytes
    cut: bool = False
    priced: bool = True

    @property
    def protocol(self) -> str:
        """The family of the provider's requests and answers."""
        return _PROTOCOLS.get(self.endpoint, "openai")

    @property
    def asked(self) -> str:
        """The endpoint that the client calls: the provider's own, else chat completions."""
        return self.endpoint if self.endpoint in GIVEN["requests"] else "/v1/chat/completions"

    @property
    def request(self) -> bytes:
        """What the client sends."""
        fields = GIVEN["requests"][self.asked] | ({"stream": True} if self.stream else {})
        return json.dumps(fields, separators=(",", ":")).encode()


def as_events(data: Iterable[bytes]) -> bytes:
    """Return the server-sent events with these data."""
    return b"".join(b"data: %b\n\n" % each for each in data)


def documents(exchange: Exchange) -> list[dict[str, Any]]:
    """Return the JSON objects of an answer: its body, or one for each event; decimals exact."""
    text = exchange.body.decode()
    if not exchange.stream or exchange.status >= 300:
        return [json.loads(text, parse_float=Decimal)]
    lines = [line.removeprefix("data:").strip() for line in text.splitlines()]
    return [json.loads(line, parse_float=Decimal) for line in lines if line.startswith("{")]


def whole_row(exchange: Exchange, written: dict[str, Any]) -> dict[str, Any]:
    """Return the row that a vector writes, with what every row has and what was asked."""
    asked = {name: getattr(exchange, name) for name in ("protocol", "stream")}
    row = GIVEN["every_row"] | asked | {"endpoint": exchange.asked} | written
    return {name: value for name, value in row.items() if name != "estimated_from"}
