"""Which endpoint a path names.

A path is `/PROVIDER/BASE/ENDPOINT`, where BASE is empty or any base path the providers are known
by, so that an official SDK can be pointed at `http://HOST:PORT/anthropic` or
`http://HOST:PORT/openai/v1` as it would be at the provider.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl, unquote

import msgspec

from modelops.simulator import models, ollama
from modelops.simulator.anthropic import messages
from modelops.simulator.gemini import generate
from modelops.simulator.openai import chat, embeddings, responses
from modelops.simulator.wire import Protocol, Request, RequestError, Response
from modelops.simulator.world import World

Handler = Callable[[Request, World], Response]

BASES = (
    "api/coding/paas/v4",
    "api/anthropic/v1",
    "apps/anthropic/v1",
    "compatible-mode/v1",
    "anthropic/v1",
    "api/paas/v4",
    "v1beta/openai",
    "openai/v1",
    "api/v1",
    "v1beta",
    "v1",
)
"""Base paths of the providers' APIs; a longer one stands before its own beginning."""


class Route(msgspec.Struct, frozen=True):
    """An endpoint: how it speaks, its name in the ledger, and what answers it."""

    protocol: Protocol
    endpoint: str
    handler: Handler


ROUTES: Mapping[tuple[str, str], Route] = {
    ("POST", "chat/completions"): Route("openai", "chat/completions", chat.respond),
    ("POST", "responses"): Route("openai", "responses", responses.respond),
    ("POST", "embeddings"): Route("openai", "embeddings", embeddings.respond),
    ("GET", "key"): Route("openai", "key", models.openrouter_key),
    ("GET", "user/balance"): Route("openai", "user/balance", models.deepseek_balance),
    ("POST", "messages"): Route("anthropic", "messages", messages.respond),
    ("POST", "messages/count_tokens"): Route(
        "anthropic", "messages/count_tokens", messages.count_tokens
    ),
    ("POST", "api/chat"): Route("ollama", "api/chat", ollama.chat),
    ("POST", "api/embed"): Route("ollama", "api/embed", ollama.embed),
    ("POST", "api/show"): Route("ollama", "api/show", ollama.show),
    ("GET", "api/tags"): Route("ollama", "api/tags", ollama.tags),
    ("GET", "api/version"): Route("ollama", "api/version", ollama.version),
}
"""Endpoints by method and path behind the base."""

GEMINI_ROUTES: Mapping[str, Route] = {
    "generateContent": Route("gemini", "generateContent", generate.generate),
    "streamGenerateContent": Route("gemini", "streamGenerateContent", generate.stream),
    "countTokens": Route("gemini", "countTokens", generate.count_tokens),
    "embedContent": Route("gemini", "embedContent", generate.embed),
    "batchEmbedContents": Route("gemini", "batchEmbedContents", generate.embed),
}
"""Gemini's endpoints by what follows the model in `models/MODEL:VERB`."""

MODELS: Mapping[Protocol, tuple[Handler, Handler]] = {
    "openai": (models.openai_list, models.openai_one),
    "anthropic": (models.anthropic_list, models.anthropic_one),
    "gemini": (models.gemini_list, models.gemini_one),
}
"""Who lists all models and who shows one, by protocol: they share their paths."""


def parse(method: str, url: bytes, headers: Mapping[str, str], body: bytes) -> Request:
    """Return a request with its path taken apart; `url` is path and query as they were sent."""
    path, _, query = url.decode("latin-1").partition("?")
    provider, rest = split(unquote(path))
    return Request(
        method=method,
        provider=provider,
        path=rest,
        query=dict(parse_qsl(query)),
        headers=headers,
        body=body,
    )


def split(path: str) -> tuple[str, str]:
    """Return the provider and what follows its base: `/a/v1/models` is `("a", "models")`."""
    provider, _, rest = path.strip("/").partition("/")
    for base in BASES:
        if rest.startswith(f"{base}/"):
            return provider, rest[len(base) + 1 :]
    return provider, rest


def find(request: Request) -> Route:
    """Return the endpoint a request is for; RequestError when there is none."""
    place, _, rest = request.path.partition("/")
    if place == "models" and request.method == "GET":
        protocol = spoken(request)
        return Route(protocol, "models", MODELS[protocol][bool(rest)])
    if place == "models" and request.method == "POST":
        verb = rest.rpartition(":")[2]
        if verb in GEMINI_ROUTES:
            return GEMINI_ROUTES[verb]
    route = ROUTES.get((request.method, request.path))
    if route is not None:
        return route
    if any(path == request.path for _, path in ROUTES):
        raise RequestError(f"Not allowed to {request.method} on /{request.path}.", status=405)
    raise RequestError(
        f"Invalid URL ({request.method} /{request.path})", status=404, code="unknown_url"
    )


def spoken(request: Request) -> Protocol:
    """Return the protocol a request speaks: OpenAI's unless headers or path say otherwise."""
    if "anthropic-version" in request.headers:
        return "anthropic"
    if "x-goog-api-key" in request.headers or "key" in request.query:
        return "gemini"
    return "ollama" if request.path.startswith("api/") else "openai"
