"""What the data plane makes of a request's headers."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest
from memory_store import MemoryStore
from server_support import ScriptedGateway, ask, exchange, make_runtime, request, serving, state

from modelops.gateway.call import Call, Reply


async def test_a_header_in_several_lines_is_one_list() -> None:
    runtime = make_runtime(MemoryStore(state()))
    lines = ["anthropic-beta: a", "x-one: 1", "Anthropic-Beta: b,c", "x-one: 1"]
    async with serving(runtime) as port:
        await ask(port, headers=lines)
    (call,) = cast("ScriptedGateway", runtime.gateway).calls
    assert call.headers[b"anthropic-beta"] == b"a, b,c"
    assert call.headers[b"x-one"] == b"1"


@pytest.mark.parametrize(
    ("line", "status", "named"),
    [
        ("Content-Encoding: gzip", 415, "'gzip'"),
        ("content-encoding: identity", 200, ""),
        ("content-encoding:", 200, ""),
        ("Transfer-Encoding: gzip, chunked", 400, "'gzip, chunked'"),
        ("Transfer-Encoding: Chunked", 200, ""),
    ],
)
async def test_a_body_that_is_packed_is_refused_by_name(line: str, status: int, named: str) -> None:
    async with serving(make_runtime(MemoryStore(state()))) as port:
        if line.startswith("T"):
            answer = await exchange(
                port,
                f"POST /v1/messages HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n{line}\r\n"
                "content-type: application/json\r\nconnection: close\r\n\r\n"
                "2\r\n{}\r\n0\r\n\r\n".encode(),
            )
        else:
            answer = await ask(port, headers=[line])
    assert answer.status == status
    assert named in answer.body.decode()


async def test_a_transfer_coding_without_an_end_is_refused() -> None:
    async with serving(make_runtime(MemoryStore(state()))) as port:
        answer = await exchange(
            port,
            f"POST /v1/messages HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n"
            "transfer-encoding: gzip\r\n\r\n{}".encode(),
        )
    assert answer.status == 400


@pytest.mark.parametrize(
    ("path", "headers", "hint"),
    [
        ("/chat/completions", [], "must end in /v1"),
        ("/messages", ["anthropic-version: 2023-06-01"], "must end in /v1"),
        ("/v1/v1/messages", ["anthropic-version: 2023-06-01"], "one /v1 too many"),
        ("/v1/v1/chat/completions", [], "one /v1 too many"),
    ],
)
async def test_a_base_url_that_is_wrong_by_v1_is_told_so_in_the_callers_shape(
    path: str, headers: list[str], hint: str
) -> None:
    async with serving(make_runtime(MemoryStore(state()))) as port:
        answer = await ask(port, path, headers=headers)
        other = await ask(port, "/nothing")
    error = answer.json()["error"]
    assert (answer.status, error["code"]) == (404, "not_found")
    assert hint in error["message"]
    assert ("type" in answer.json()) == bool(headers)
    assert len(answer.headers["x-modelops-request-id"]) == 32
    assert other.headers["content-type"] == "application/problem+json"


async def test_a_stream_to_http_1_0_ends_with_its_connection() -> None:
    async def script(_call: Call, reply: Reply) -> None:
        reply.start(200, b"content-type: text/event-stream\r\n")
        reply.send(b"data: 1\n\n")
        reply.finish(b"data: [DONE]\n\n")

    async with serving(make_runtime(MemoryStore(state()), script)) as port:
        answer = await exchange(port, request(port).replace(b" HTTP/1.1", b" HTTP/1.0"))
    assert answer.body == b"data: 1\n\ndata: [DONE]\n\n"
    assert "transfer-encoding" not in answer.headers
    assert answer.headers["connection"] == "close"


async def test_what_stands_behind_a_body_is_no_header() -> None:
    head = b"POST /v1/messages HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
    body = b"transfer-encoding: chunked\r\nconnection: close\r\n\r\n2\r\n{}\r\n0\r\n"
    runtime = make_runtime(MemoryStore(state()))
    async with serving(runtime) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(head + body + b"x-modelops-prefer: openai\r\ncontent-encoding: gzip\r\n\r\n")
        answer = await reader.read()
        writer.close()
    assert answer.startswith(b"HTTP/1.1 200 ")
    (call,) = cast("ScriptedGateway", runtime.gateway).calls
    assert b"x-modelops-prefer" not in call.headers
