"""The data plane around the gateway: methods, bodies, callers, and clients that leave."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest
from memory_store import MemoryStore
from server_support import (
    Answer,
    ScriptedGateway,
    agent,
    ask,
    hello,
    key,
    make_runtime,
    parse,
    request,
    serving,
    serving_as_worker,
    state,
)

from modelops.gateway.call import Call, Reply
from modelops.gateway.errors import GatewayError

OPENAI_ERROR = {"message", "type", "param", "code"}


async def test_hands_the_request_to_the_gateway_as_it_came() -> None:
    runtime = make_runtime(MemoryStore(state()))
    async with serving(runtime) as port:
        answer = await ask(port, body=b'{"model":"x"}', headers=["X-Modelops-Agent: dev-agent"])
    assert (answer.status, answer.body) == (200, b'{"hello":"there"}')
    (call,) = cast("ScriptedGateway", runtime.gateway).calls
    assert call.body == b'{"model":"x"}'
    assert (call.endpoint, call.dialect, call.agent) == (
        "/v1/chat/completions",
        "openai",
        "dev-agent",
    )
    assert call.headers[b"content-type"] == b"application/json"
    assert len(call.request_id) == 32


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS"])
async def test_takes_only_post(method: str) -> None:
    async with serving(make_runtime(MemoryStore(state()))) as port:
        answer = await ask(port, method=method)
    assert (answer.status, answer.headers["allow"]) == (405, "POST")
    assert answer.json()["error"].keys() == OPENAI_ERROR


async def test_a_websocket_is_told_to_post() -> None:
    """Codex tries one seven times, for seven seconds, where it is answered 405."""
    offer = ["connection: Upgrade", "upgrade: websocket", "sec-websocket-version: 13"]
    async with serving(make_runtime(MemoryStore(state()))) as port:
        headers = [*offer, "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ=="]
        answer = await ask(port, "/v1/responses", method="GET", headers=headers)
    assert (answer.status, answer.headers["upgrade"]) == (426, "HTTP/1.1")
    assert answer.json()["error"]["code"] == "upgrade_required"
    assert "use POST" in answer.json()["error"]["message"]


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
async def test_a_body_that_is_not_said_to_be_json_is_told_what_to_send(path: str) -> None:
    async with serving(make_runtime(MemoryStore(state()))) as port:
        answer = await ask(port, path, headers=["content-type: text/plain"])
    error = answer.json()["error"]
    assert (answer.status, error["code"]) == (415, "unsupported_media_type")
    assert error["type"] == "invalid_request_error"
    assert "send 'content-type: application/json'" in error["message"]


async def test_streams_each_piece_at_once() -> None:
    second = asyncio.Event()

    async def script(_call: Call, reply: Reply) -> None:
        reply.start(200, b"content-type: text/event-stream\r\n")
        reply.send(b"data: 1\n\n")
        await second.wait()
        reply.send(b"data: 2\n\n")
        reply.finish()

    async with serving(make_runtime(MemoryStore(state()), script)) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request(port))
        first = await reader.readuntil(b"data: 1\n\n")
        second.set()
        answer = parse(first + await reader.read())
        writer.close()
    assert answer.body == b"data: 1\n\ndata: 2\n\n"


async def test_a_failure_inside_the_gateway_is_answered_and_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def script(_call: Call, _reply: Reply) -> None:
        raise LookupError("a bug")

    async with serving(make_runtime(MemoryStore(state()), script)) as port:
        answer = await ask(port)
    assert answer.status == 500
    assert "a bug" not in answer.body.decode()
    assert "a bug" in caplog.text


async def test_a_failure_after_the_start_cuts_the_connection() -> None:
    async def script(_call: Call, reply: Reply) -> None:
        reply.start(200, b"", 100)
        reply.send(b"half")
        raise LookupError("a bug")

    async with serving(make_runtime(MemoryStore(state()), script)) as port:
        answer = await ask(port)
    assert (answer.status, answer.body) == (200, b"half")


async def test_requests_cut_by_the_end_of_patience_are_told_so() -> None:
    began = asyncio.Event()

    async def script(_call: Call, _reply: Reply) -> None:
        began.set()
        await asyncio.Event().wait()

    runtime = make_runtime(MemoryStore(state()), script, grace_s=0)
    async with serving_as_worker(runtime) as port:
        waiting = asyncio.create_task(ask(port))
        await began.wait()
    assert (await waiting).status == 503


async def test_nothing_applied_is_503_and_says_what_to_do() -> None:
    async with serving(make_runtime(MemoryStore())) as port:
        answer = await ask(port)
    assert answer.status == 503
    assert "modelops apply" in answer.json()["error"]["message"]


async def books_full(_call: Call, _reply: Reply) -> None:
    raise GatewayError(503, "books_full", "no row")


async def bug(_call: Call, _reply: Reply) -> None:
    raise LookupError


@pytest.mark.parametrize(
    ("script", "changes", "status", "code"),
    [
        (hello, {"headers": ["x-api-key: wrong"]}, 401, "invalid_api_key"),
        (hello, {"method": "PUT"}, 405, "method_not_allowed"),
        (hello, {"path": "/v1/nothing"}, 404, "not_found"),
        (hello, {"path": "/v1/models", "method": "GET"}, 401, "invalid_api_key"),
        (books_full, {}, 503, "books_full"),
        (bug, {}, 500, "internal_error"),
    ],
)
async def test_a_refusal_has_an_id_and_is_counted_by_its_code(
    script: Answer, changes: dict[str, Any], status: int, code: str
) -> None:
    runtime = make_runtime(MemoryStore(state(agent("dev-agent", key("mo_1_secret")))), script)
    asked = {"path": "/v1/messages", "headers": ["x-api-key: mo_1_secret"], **changes}
    if asked["path"] == "/v1/models":
        asked["headers"] = ["anthropic-version: 2023-06-01"]
    async with serving(runtime) as port:
        answers = [await ask(port, **asked) for _ in range(2)]
    ids = [answer.headers["x-modelops-request-id"] for answer in answers]
    assert [len(one) for one in ids] == [32, 32]
    assert ids[0] != ids[1]
    error = answers[0].json()
    assert (answers[0].status, error["error"]["code"]) == (status, code)
    assert {error.get("request_id", ids[0]), answers[0].headers["request-id"]} == {ids[0]}
    assert dict(runtime.observer.counters.refused) == {code: 2}


async def test_a_list_of_models_has_an_id() -> None:
    async with serving(make_runtime(MemoryStore(state()))) as port:
        listed = await ask(port, "/v1/models", method="GET")
        health = await ask(port, "/healthz", method="GET")
    assert (listed.status, len(listed.headers["x-modelops-request-id"])) == (200, 32)
    assert "x-modelops-request-id" not in health.headers


async def test_the_key_names_the_agent() -> None:
    resources = state(agent("dev-agent", key("mo_1_secret")))
    runtime = make_runtime(MemoryStore(resources))
    async with serving(runtime) as port:
        bearer = await ask(
            port, headers=["authorization: Bearer mo_1_secret", "x-modelops-agent: other"]
        )
        header = await ask(port, headers=["x-api-key: mo_1_secret"])
        wrong = await ask(port, headers=["authorization: Bearer mo_1_secreT"])
        none = await ask(port)
    assert [bearer.status, header.status, wrong.status, none.status] == [200, 200, 401, 401]
    calls = cast("ScriptedGateway", runtime.gateway).calls
    assert [call.agent for call in calls] == ["dev-agent", "dev-agent"]
    assert wrong.json()["error"]["code"] == "invalid_api_key"


async def test_a_bug_is_logged_with_the_request_it_is_about(
    caplog: pytest.LogCaptureFixture,
) -> None:
    ids = []

    async def script(call: Call, _reply: Reply) -> None:
        ids.append(call.request_id)
        raise LookupError("a bug")

    async with serving(make_runtime(MemoryStore(state()), script)) as port:
        await ask(port)
    assert [vars(record)["request_id"] for record in caplog.records if record.exc_info] == ids
