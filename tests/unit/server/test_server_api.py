"""The reports of `/api`, model lists, health and the schema, over a real socket."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from memory_store import MemoryStore
from server_support import (
    Answered,
    agent,
    ask,
    chain,
    key,
    make_runtime,
    model,
    operator,
    provider,
    serving,
    settings,
    state,
)

from modelops.resources.resolved import Price
from modelops.resources.state import State, by_address

OPERATOR = "authorization: Bearer mo_o1_secret"
RICH = state(
    settings(operators=(operator("ada", "viewer", key("mo_o1_secret")),)),
    provider("anthropic", protocol="anthropic", auth="x-api-key", api_key="env:MODELOPS_SECRET_X"),
    provider("openrouter", aggregator=True),
    model("anthropic/claude-sonnet-4-5"),
    model("openrouter/openai/gpt-4o", upstream_model="openai/gpt-4o"),
    chain("production", "anthropic/claude-sonnet-4-5", "openai/gpt-4o"),
    chain("fast"),
    agent("dev-agent", key("mo_a1_secret", name="ci", expires="2099-01-01")),
    agent("narrow-agent", key("mo_a2_secret"), allow=("chain/fast",)),
)


async def get(path: str, *headers: str, resources: State = RICH, method: str = "GET") -> Answered:
    async with serving(make_runtime(MemoryStore(resources))) as port:
        return await ask(port, path, method=method, headers=headers or [OPERATOR])


async def items(path: str, resources: State = RICH) -> list[dict[str, Any]]:
    answer = await get(path, resources=resources)
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    assert body.keys() == {"items", "next_cursor"}
    found: list[dict[str, Any]] = body["items"]
    return found


async def test_providers_say_what_they_are_and_whether_they_are_usable() -> None:
    found = {item["provider"]: item for item in await items("/api/providers")}
    assert list(found) == ["anthropic", "openai", "openrouter"]
    anthropic = found["anthropic"]
    assert (anthropic["kind"], anthropic["models"], anthropic["usable"]) == ("direct", 1, False)
    assert "MODELOPS_SECRET_X is not set" in anthropic["error"]
    assert (found["openrouter"]["kind"], found["openrouter"]["usable"]) == ("aggregator", True)


async def test_one_provider_comes_with_its_models() -> None:
    body = (await get("/api/providers/openrouter")).json()
    assert body["provider"]["provider"] == "openrouter"
    assert [item["name"] for item in body["models"]] == ["openrouter/openai/gpt-4o"]


async def test_a_provider_and_its_models_in_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELOPS_SECRET_X", "sk-canary-of-many-letters-4711")
    price = Price(
        input=Decimal(3),
        output=Decimal(15),
        cache_read=Decimal("0.3"),
        cache_write=Decimal("3.75"),
        cache_write_1h=Decimal(6),
        tiers=(),
    )
    priced = model("anthropic/claude-sonnet-4-5", price=price, max_output_tokens=64_000)
    answer = await get("/api/providers/anthropic", resources={**RICH, **by_address([priced])})
    shown = answer.json()["provider"]
    assert (shown["masked_key"], shown["api_key"]) == ("...4711", "env:MODELOPS_SECRET_X")
    assert (shown["key_url"], shown["docs_url"]) == ("https://keys.example", "https://docs.example")
    assert b"canary" not in answer.body
    (sonnet,) = answer.json()["models"]
    assert (sonnet["context_window"], sonnet["max_output_tokens"]) == (128_000, 64_000)
    assert (sonnet["price"]["cache_write"], sonnet["cost_tier"]) == ("3.75", "high")
    assert sonnet["capabilities"] == ["tools"]


async def test_an_unknown_provider_is_404_in_problem_details() -> None:
    answer = await get("/api/providers/nobody")
    assert (answer.status, answer.headers["content-type"]) == (404, "application/problem+json")
    assert "nobody" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("search", "names"),
    [
        ("gpt-4o", ["openai/gpt-4o", "openrouter/openai/gpt-4o"]),
        ("CLAUDE", ["anthropic/claude-sonnet-4-5"]),
        ("openrouter", ["openrouter/openai/gpt-4o"]),
        ("nothing", []),
    ],
)
async def test_models_are_found_by_a_part_of_their_name(search: str, names: list[str]) -> None:
    assert [item["name"] for item in await items(f"/api/models?search={search}")] == names


async def test_chains_list_their_targets_in_order_and_what_is_stepped_over() -> None:
    (production,) = [item for item in await items("/api/chains") if item["chain"] == "production"]
    assert [target["model"] for target in production["targets"]] == [
        "anthropic/claude-sonnet-4-5",
        "openai/gpt-4o",
    ]
    assert [bool(target["error"]) for target in production["targets"]] == [True, False]
    assert production["default"]


async def test_agents_show_no_key_and_no_hash() -> None:
    answer = await get("/api/agents")
    (dev, _) = answer.json()["items"]
    assert dev["keys"] == [{"name": "ci", "expires": "2099-01-01"}]
    assert key("mo_a1_secret").sha256 not in answer.body.decode()


async def test_revisions_come_newest_first_page_by_page() -> None:
    store = MemoryStore(RICH)
    for _ in range(4):
        store.stand(RICH)
    async with serving(make_runtime(store)) as port:
        seen, path = [], "/api/revisions?limit=2"
        while path:
            body = (await ask(port, path, method="GET", headers=[OPERATOR])).json()
            seen.append([item["revision"] for item in body["items"]])
            cursor = body["next_cursor"]
            path = f"/api/revisions?limit=2&cursor={cursor}" if cursor else ""
    assert seen == [[5, 4], [3, 2], [1]]


async def test_a_list_in_pages_is_the_list() -> None:
    async with serving(make_runtime(MemoryStore(RICH))) as port:
        seen, path = [], "/api/models?limit=1"
        while path:
            body = (await ask(port, path, method="GET", headers=[OPERATOR])).json()
            seen += [item["name"] for item in body["items"]]
            cursor = body["next_cursor"]
            path = f"/api/models?limit=1&cursor={cursor}" if cursor else ""
    assert seen == sorted(item["name"] for item in await items("/api/models"))


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=1001", "limit=x", "cursor=%00", "cursor=abc", "cursor=_w"]
)
async def test_bad_parameters_are_400(query: str) -> None:
    answer = await get(f"/api/revisions?{query}")
    assert answer.status == 400
    assert answer.json()["detail"]


async def test_the_history_is_503_while_the_store_is_away_and_the_rest_is_not() -> None:
    store = MemoryStore(RICH)
    async with serving(make_runtime(store)) as port:
        store.away = "the database is locked"
        history = await ask(port, "/api/revisions", method="GET", headers=[OPERATOR])
        providers = await ask(port, "/api/providers", method="GET", headers=[OPERATOR])
        store.away = ""
    assert (history.status, providers.status) == (503, 200)
    assert history.json()["detail"] == "the database is locked"


async def test_model_lists_show_what_the_caller_may_call() -> None:
    path = "/v1/models"
    wide = await get(path, "authorization: Bearer mo_a1_secret")
    narrow = await get(path, "x-api-key: mo_a2_secret", "anthropic-version: 2023-06-01")
    assert [item["id"] for item in wide.json()["data"]] == ["production", "fast"]
    assert narrow.json() == {
        "data": [
            {
                "type": "model",
                "id": "fast",
                "display_name": "Fast Chain",
                "created_at": "1970-01-01T00:00:00Z",
            }
        ],
        "has_more": False,
        "first_id": "fast",
        "last_id": "fast",
    }


async def test_one_model_is_found_by_its_name_with_slashes() -> None:
    path = "/v1/models/openrouter/openai/gpt-4o"
    resources = state(provider("openrouter"), model("openrouter/openai/gpt-4o"))
    answer = await get(path, "user-agent: x", resources=resources)
    assert answer.json() == {
        "id": "openrouter/openai/gpt-4o",
        "object": "model",
        "created": 0,
        "owned_by": "openrouter",
    }
    hidden = await get(path, "authorization: Bearer mo_a2_secret")
    assert (hidden.status, hidden.json()["error"]["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("path", "headers", "shape"),
    [
        ("/v1/nothing", [], "openai"),
        ("/v1/nothing", ["anthropic-version: 2023-06-01"], "anthropic"),
        ("/v1/messages/nothing", [], "anthropic"),
        ("/v1", [], "openai"),
        ("/v12", [], "problem"),
        ("/api/nothing", [], "problem"),
        ("/nothing", [], "problem"),
    ],
)
async def test_what_is_not_served_is_404_in_the_readers_shape(
    path: str, headers: list[str], shape: str
) -> None:
    answer = await get(path, *headers, "user-agent: x")
    assert answer.status == 404
    body = answer.json()
    found = "problem" if "detail" in body else "anthropic" if "type" in body else "openai"
    assert found == shape


async def test_a_wrong_method_is_405_in_the_readers_shape() -> None:
    api = await get("/api/providers", method="DELETE")
    list_ = await get("/v1/models", method="DELETE")
    assert (api.status, list_.status) == (405, 405)
    assert api.json()["status"] == 405
    assert list_.json()["error"]["code"] == "method_not_allowed"


async def test_health_is_open_and_names_no_value() -> None:
    async with serving(make_runtime(MemoryStore(RICH))) as port:
        health = await ask(port, "/healthz", method="GET", host="anything.example")
        ready = await ask(port, "/readyz", method="GET", host="anything.example")
    assert health.json() == {"status": "ok"}
    assert (ready.status, ready.json()["status"]) == (200, "degraded")


async def test_not_ready_is_503() -> None:
    async with serving(make_runtime(MemoryStore())) as port:
        ready = await ask(port, "/readyz", method="GET")
    assert (ready.status, ready.json()["status"]) == (503, "unavailable")


async def test_the_schema_is_json_and_holds_the_data_plane() -> None:
    answer = await get("/schema")
    assert "json" in answer.headers["content-type"]
    assert "<html" not in answer.body.decode()
    paths = answer.json()["paths"]
    assert "post" in paths["/v1/chat/completions"]
    assert "get" in paths["/api/providers"]


async def route(body: bytes, *headers: str) -> Answered:
    async with serving(make_runtime(MemoryStore(RICH))) as port:
        return await ask(port, "/api/route", headers=headers or [OPERATOR], body=body)


async def test_a_choice_is_explained() -> None:
    body = (await route(b'{"model": "production"}')).json()
    assert body["chain"] == "production"
    assert [(item["target"], item["state"]) for item in body["targets"]] == [
        ("anthropic/claude-sonnet-4-5", body["targets"][0]["state"]),
        ("openai/gpt-4o", "ready"),
    ]
    assert body["targets"][0]["reason"]


async def test_a_name_that_stands_for_nothing_is_404_and_one_that_is_not_allowed_403() -> None:
    assert (await route(b'{"model": "nothing"}')).status == 404
    asked = b'{"model": "production", "agent": "dev-agent"}'
    assert (await route(asked, "x-api-key: mo_a2_secret")).status == 403


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'{"modle": "x"}',
        b'{"model": 7}',
        b'{"endpoint": "/v1/x"}',
        b'{"agent": "nobody"}',
        b"[" * 100_000,
        b'{"model": "' + b"x" * 10_000 + b'"}',
    ],
    ids=range(9),
)
async def test_bad_questions_are_400(body: bytes) -> None:
    assert (await route(body)).status == 400
