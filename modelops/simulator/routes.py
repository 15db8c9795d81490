"""Which endpoint a path names.

A path is `/PROVIDER/BASE/ENDPOINT`, where BASE is empty or any base path the providers are known
by, so that an official SDK can be pointed at `http://HOST:PORT/anthropic` or
`http://HOST:PORT/openai/v1` as it would be at the provider.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from modelops.simulator import (
    anthropic,
    models,
    openai_chat,
    openai_embeddings,
    openai_responses,
)
from modelops.simulator.wire import Protocol, Request, RequestError, Response
from modelops.simulator.world import World

Handler = Callable[[Request, World], Response]

BASES = frozenset(
    {
        "",
        "v1",
        "v1beta",
        "v1beta/openai",
        "api/v1",
        "openai/v1",
        "api/paas/v4",
        "api/coding/paas/v4",
        "compatible-mode/v1",
        "anthropic/v1",
        "api/anthropic/v1",
        "apps/anthropic/v1",
    }
)
"""Base paths of the providers' APIs."""


class Route(msgspec.Struct, frozen=True):
    """An endpoint: how it speaks, its name in the ledger, and what answers it."""

    protocol: Protocol
    endpoint: str
    handler: Handler


ROUTES: Mapping[tuple[str, str], Route] = {
    ("POST", "chat/completions"): Route("openai", "chat/completions", openai_chat.respond),
    ("POST", "responses"): Route("openai", "responses", openai_responses.respond),
    ("POST", "embeddings"): Route("openai", "embeddings", openai_embeddings.respond),
    ("GET", "models"): Route("openai", "models", models.openai_list),
    ("GET", "key"): Route("openai", "key", models.openrouter_key),
    ("GET", "user/balance"): Route("openai", "user/balance", models.deepseek_balance),
    ("POST", "messages"): Route("anthropic", "messages", anthropic.respond),
    ("POST", "messages/count_tokens"): Route(
        "anthropic", "messages/count_tokens", anthropic.count_tokens
    ),
}
"""Endpoints by method and path behind the base."""

OPENAI_MODEL = Route("openai", "models", models.openai_one)
ANTHROPIC_MODELS = Route("anthropic", "models", models.anthropic_list)
ANTHROPIC_MODEL = Route("anthropic", "models", models.anthropic_one)


def split(path: str) -> tuple[str, str]:
    """Return the provider and what follows its base: `/a/v1/models` is `("a", "models")`."""
    provider, _, rest = path.strip("/").partition("/")
    for base in sorted(BASES, key=len, reverse=True):
        if base and rest.startswith(f"{base}/"):
            return provider, rest[len(base) + 1 :]
    return provider, rest


def find(request: Request) -> Route:
    """Return the endpoint a request is for; RequestError when there is none."""
    if request.method == "GET" and request.path.partition("/")[0] == "models":
        return _models(request)
    route = ROUTES.get((request.method, request.path))
    if route is not None:
        return route
    if any(path == request.path for _, path in ROUTES):
        raise RequestError(f"Not allowed to {request.method} on /{request.path}.", status=405)
    raise RequestError(
        f"Invalid URL ({request.method} /{request.path})", status=404, code="unknown_url"
    )


def _models(request: Request) -> Route:
    single = "/" in request.path
    if "anthropic-version" in request.headers:
        return ANTHROPIC_MODEL if single else ANTHROPIC_MODELS
    return OPENAI_MODEL if single else ROUTES["GET", "models"]
