"""`GET /v1/models`: what the caller may use as `model`, in OpenAI's or Anthropic's shape.

Official SDKs and editors fill their menus from it. The shape follows the caller's headers.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal

import msgspec
from litestar import get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from modelops.server.access import data_plane_caller
from modelops.server.live import Live
from modelops.server.parts import Parts
from modelops.server.problems import AnyRequest, dialect_of
from modelops.server.runtime import Runtime

EPOCH = datetime.fromtimestamp(0, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
"""When a model was made is not declared, but both shapes demand a date: this one means unknown."""


class OpenAIModel(msgspec.Struct, frozen=True, kw_only=True):
    """A model in OpenAI's shape; `created` is always 0."""

    id: str
    object: Literal["model"] = "model"
    created: int = 0
    owned_by: str


class OpenAIModels(msgspec.Struct, frozen=True, kw_only=True):
    """A list in OpenAI's shape."""

    object: Literal["list"] = "list"
    data: Sequence[OpenAIModel]


class AnthropicModel(msgspec.Struct, frozen=True, kw_only=True):
    """A model in Anthropic's shape."""

    type: Literal["model"] = "model"
    id: str
    display_name: str
    created_at: str = EPOCH


class AnthropicModels(msgspec.Struct, frozen=True, kw_only=True):
    """A list in Anthropic's shape: all on one page."""

    data: Sequence[AnthropicModel]
    has_more: bool = False
    first_id: str | None
    last_id: str | None


@get("/v1/models", sync_to_thread=False)
def list_models(request: AnyRequest, runtime: Parts) -> OpenAIModels | AnthropicModels:
    """Return every name the caller may use as `model`: chains first, then provider/model."""
    live, names = _allowed(request, runtime)
    if dialect_of("/v1/models", request.headers) == "openai":
        return OpenAIModels(data=[_openai(live, name) for name in names])
    return AnthropicModels(
        data=[_anthropic(live, name) for name in names],
        first_id=names[0] if names else None,
        last_id=names[-1] if names else None,
    )


@get("/v1/models/{name:path}", sync_to_thread=False)
def get_model(
    request: AnyRequest, runtime: Parts, name: FromPath[str]
) -> OpenAIModel | AnthropicModel:
    """Return one of the names the caller may use as `model`; 404 for any other."""
    live, names = _allowed(request, runtime)
    wanted = name.lstrip("/")
    if wanted not in names:
        raise NotFoundException(f"the model {wanted[:200]!r} does not exist or is not yours to use")
    if dialect_of("/v1/models", request.headers) == "openai":
        return _openai(live, wanted)
    return _anthropic(live, wanted)


def _allowed(request: AnyRequest, runtime: Runtime) -> tuple[Live, list[str]]:
    """Return what is live and the names the caller may use; AccessError for an unknown caller."""
    live = runtime.required()
    scope = request.scope
    if runtime.on_wrong_listener(scope["server"], admin=False):
        raise NotFoundException
    caller = data_plane_caller(
        live.keyring,
        dict(scope["headers"]),
        scope["client"],
        live.agents,
        runtime.clock.unix_us() / 1_000_000,
    )
    return live, live.table.models_for(caller.name)


def _openai(live: Live, name: str) -> OpenAIModel:
    model = live.models.get(name)
    return OpenAIModel(id=name, owned_by=model.provider if model else live.head.config)


def _anthropic(live: Live, name: str) -> AnthropicModel:
    chain = live.chains.get(name)
    return AnthropicModel(id=name, display_name=chain.display_name if chain else name)
