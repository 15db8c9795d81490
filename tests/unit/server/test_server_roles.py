"""Every route with every kind of caller, against one table: a route missing there fails.

With keys declared. What is allowed without them is in test_server_access.py.
"""

from __future__ import annotations

from typing import Any

import pytest
from memory_store import MemoryStore
from server_support import agent, ask, key, make_runtime, operator, serving, settings, state

from modelops.server.app import create_litestar
from modelops.server.openapi import complete

CALLERS: dict[str, list[str]] = {
    "nobody": [],
    "wrong": ["authorization: Bearer mo_x_wrong"],
    "expired": ["authorization: Bearer mo_e_expired"],
    "agent": ["authorization: Bearer mo_a_agent"],
    "viewer": ["authorization: Bearer mo_v_viewer"],
    "operator": ["x-api-key: mo_p_operator"],
    "deployer": ["authorization: Bearer mo_d_deployer"],
}

OPEN = dict.fromkeys(CALLERS, True)
DATA_PLANE = {"agent": True}
VIEWER = {"viewer": True, "operator": True, "deployer": True}
OPERATOR = {"operator": True, "deployer": True}
DEPLOYER = {"deployer": True}

TABLE: dict[str, dict[str, bool]] = {
    "GET /healthz": OPEN,
    "GET /readyz": OPEN,
    "GET /v1/models": DATA_PLANE,
    "GET /v1/models/{name}": DATA_PLANE,
    "POST /v1/chat/completions": DATA_PLANE,
    "POST /v1/messages": DATA_PLANE,
    "POST /v1/messages/count_tokens": DATA_PLANE,
    "POST /v1/responses": DATA_PLANE,
    "POST /v1/embeddings": DATA_PLANE,
    "GET /api/providers": VIEWER,
    "GET /api/providers/{provider}": VIEWER,
    "POST /api/providers/{provider}/test": OPERATOR,
    "POST /api/providers/{provider}/discover": OPERATOR,
    "GET /api/models": VIEWER,
    "GET /api/chains": VIEWER,
    "GET /api/agents": VIEWER,
    "GET /api/revisions": VIEWER,
    "GET /api/status": VIEWER,
    "GET /api/usage": VIEWER | {"agent": True},
    "GET /metrics": VIEWER,
    "GET /api/usage/attempts": VIEWER | {"agent": True},
    "GET /api/usage/export.csv": VIEWER | {"agent": True},
    "GET /api/state": DEPLOYER,
    "POST /api/state/usage": DEPLOYER,
    "POST /api/apply": DEPLOYER,
    "POST /api/route": VIEWER | {"agent": True},
    "GET /schema": VIEWER,
}
"""Who is let in. Whoever is not: 401 without a good key, 403 with one of too little weight."""

RESOURCES = state(
    settings(
        operators=(
            operator("v", "viewer", key("mo_v_viewer"), key("mo_e_expired", "e", "2020-01-01")),
            operator("p", "operator", key("mo_p_operator")),
            operator("d", "deployer", key("mo_d_deployer")),
        )
    ),
    agent("dev-agent", key("mo_a_agent"), key("mo_e_expired", "e", "2020-01-01")),
)


def routes() -> list[str]:
    """Return every operation of the schema, and the routes that are not in it."""
    schema = create_litestar(make_runtime(MemoryStore())).openapi_schema
    complete(schema)
    paths: dict[str, Any] = schema.to_schema()["paths"]
    found = [
        f"{method.upper()} {path}" for path, operations in paths.items() for method in operations
    ]
    return [*found, "GET /schema"]


def test_the_table_holds_every_route() -> None:
    assert set(routes()) <= set(TABLE)


def test_no_route_is_outside_the_schema() -> None:
    """What the schema does not show could not be walked."""
    app = create_litestar(make_runtime(MemoryStore()))
    hidden = {"/schema", "/schema/openapi.json", "/schema/{path:str}"}
    paths = {route.path for route in app.routes} - hidden
    shown = {route.split(" ")[1].split("{")[0].rstrip("/") for route in routes()}
    assert {path.split("{")[0].rstrip("/") for path in paths} <= shown


@pytest.mark.parametrize("route", routes())
async def test_each_caller_gets_what_the_table_says(route: str) -> None:
    method, path = route.split(" ")
    path = path.replace("{provider}", "openai").replace("{name}", "production")
    seen = {}
    async with serving(make_runtime(MemoryStore(RESOURCES))) as port:
        for caller, headers in CALLERS.items():
            answer = await ask(port, path, method=method, headers=headers)
            seen[caller] = answer.status
    allowed = TABLE[route]
    for caller, status in seen.items():
        if allowed.get(caller):
            assert status not in (401, 403, 404, 405), f"{caller}: {status}"
        elif path.startswith("/v1") or caller in ("nobody", "wrong", "expired"):
            assert status == 401, f"{caller}: {status}"
        else:
            assert status == 403, f"{caller}: {status}"


@pytest.mark.parametrize("path", ["/schema/openapi.json", "/schema/nothing"])
async def test_what_lies_beside_the_schema_is_guarded_too(path: str) -> None:
    async with serving(make_runtime(MemoryStore(RESOURCES))) as port:
        answer = await ask(port, path, method="GET", headers=CALLERS["agent"])
    assert answer.status == 403


async def test_who_lacks_a_key_is_told_where_it_is_read_from_and_nobody_else() -> None:
    async with serving(make_runtime(MemoryStore(RESOURCES))) as port:
        for caller in ("nobody", "wrong", "expired", "agent", "viewer"):
            answer = await ask(port, "/api/state", method="GET", headers=CALLERS[caller])
            assert "MODELOPS_KEY" in answer.json()["hint"], caller
    async with serving(make_runtime(MemoryStore(state()))) as port:
        answer = await ask(port, "/api/state", method="GET", headers=["via: 1.1 proxy"])
    assert (answer.status, answer.json()["hint"]) == (401, ""), "no operator has a key"
