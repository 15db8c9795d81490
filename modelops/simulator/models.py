"""What a provider offers, as each protocol lists it, and the account checks of two providers."""

from __future__ import annotations

from typing import Any

from modelops.simulator.wire import JSON_TYPE, Protocol, Request, RequestError, Response, encode
from modelops.simulator.world import World

CREATED = 1_760_000_000
"""Unix time at which every model is said to have appeared."""

CREATED_AT = "2025-10-09T08:53:20Z"


def openai_list(request: Request, world: World) -> Response:
    """Answer `GET /models` in OpenAI's shape."""
    offered = [_openai(model, request.provider) for model in world.models(request.provider)]
    return _answer("openai", {"object": "list", "data": offered})


def openai_one(request: Request, world: World) -> Response:
    """Answer `GET /models/MODEL` in OpenAI's shape."""
    return _answer("openai", _openai(_named(request, world), request.provider))


def anthropic_list(request: Request, world: World) -> Response:
    """Answer `GET /v1/models` in Anthropic's shape, a page of at most `limit` models."""
    offered = world.models(request.provider)
    after = request.query.get("after_id", "")
    first = offered.index(after) + 1 if after in offered else 0
    limit = request.query.get("limit", "20")
    if not limit.isdigit() or not 1 <= int(limit) <= 1000:
        raise RequestError("limit: Input should be between 1 and 1000")
    page = offered[first : first + int(limit)]
    return _answer(
        "anthropic",
        {
            "data": [_anthropic(model) for model in page],
            "has_more": first + len(page) < len(offered),
            "first_id": page[0] if page else None,
            "last_id": page[-1] if page else None,
        },
    )


def anthropic_one(request: Request, world: World) -> Response:
    """Answer `GET /v1/models/MODEL` in Anthropic's shape."""
    return _answer("anthropic", _anthropic(_named(request, world)))


def gemini_list(request: Request, world: World) -> Response:
    """Answer `GET /models` in Gemini's shape, a page of at most `pageSize` models."""
    offered = world.models(request.provider)
    size, first = request.query.get("pageSize", "50"), request.query.get("pageToken", "0")
    if not size.isdigit() or not first.isdigit():
        raise RequestError("* ListModelsRequest.page_size: must be a number\n")
    page = offered[int(first) : int(first) + int(size)]
    body: dict[str, Any] = {"models": [_gemini(model) for model in page]}
    if int(first) + len(page) < len(offered):
        body["nextPageToken"] = str(int(first) + len(page))
    return _answer("gemini", body)


def gemini_one(request: Request, world: World) -> Response:
    """Answer `GET /models/MODEL` in Gemini's shape."""
    return _answer("gemini", _gemini(_named(request, world)))


def openrouter_key(_request: Request, _world: World) -> Response:
    """Answer OpenRouter's `GET /key`, which tells a good key from a bad one."""
    key = {"label": "simulated", "limit": None, "limit_remaining": None, "usage": 0}
    return _answer("openai", {"data": {**key, "is_free_tier": False}})


def deepseek_balance(_request: Request, _world: World) -> Response:
    """Answer DeepSeek's `GET /user/balance`."""
    money = {"total_balance": "100.00", "granted_balance": "0.00", "topped_up_balance": "100.00"}
    return _answer(
        "openai", {"is_available": True, "balance_infos": [{"currency": "USD", **money}]}
    )


def _named(request: Request, world: World) -> str:
    model = request.path.partition("/")[2]
    if model not in world.models(request.provider):
        raise RequestError(
            f"The model '{model}' does not exist", status=404, code="model_not_found", param="model"
        )
    return model


def _openai(model: str, provider: str) -> dict[str, Any]:
    return {"id": model, "object": "model", "created": CREATED, "owned_by": provider}


def _anthropic(model: str) -> dict[str, Any]:
    return {"type": "model", "id": model, "display_name": model, "created_at": CREATED_AT}


def _gemini(model: str) -> dict[str, Any]:
    embeds = "embedding" in model
    return {
        "name": f"models/{model}",
        "displayName": model,
        "supportedGenerationMethods": ["embedContent" if embeds else "generateContent"],
    }


def _answer(protocol: Protocol, value: dict[str, Any]) -> Response:
    return Response(protocol=protocol, headers={"content-type": JSON_TYPE}, body=encode(value))
