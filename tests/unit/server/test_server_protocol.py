"""The bounds of a connection: heads that are too large, too slow, or no HTTP at all."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest
from memory_store import MemoryStore
from server_support import (
    Ears,
    ScriptedGateway,
    ask,
    exchange,
    hello,
    make_runtime,
    parse,
    serving,
    state,
)

from modelops.gateway.call import Call, Reply
from modelops.server import protocol

HEAD = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n"


@pytest.mark.parametrize(
    "sent",
    [
        HEAD + b"x: " + b"a" * protocol.HEAD_MAX + b"\r\n\r\n",
        HEAD + b"x: y\r\n" * 12_000 + b"\r\n",
        b"GET /" + b"a" * protocol.HEAD_MAX + b" HTTP/1.1\r\n\r\n",
        HEAD + b"x: " + b"a" * 70_000,
    ],
    ids=["one header", "many headers", "target", "a header without end"],
)
async def test_a_large_head_is_431(sent: bytes) -> None:
    async with serving(make_runtime(MemoryStore(state()))) as port:
        answer = await flood(port, sent)
        assert (await ask(port, "/healthz", method="GET")).status == 200
    assert answer.startswith(b"HTTP/1.1 431 ")


@pytest.mark.parametrize("path", [b"chat/completions", b"messages"])
async def test_a_large_head_is_refused_in_the_shape_of_its_path(path: bytes) -> None:
    head = POST.replace(b"chat/completions", path) + b"x: " + b"a" * (protocol.HEAD_MAX - 20)
    async with serving(make_runtime(MemoryStore(state()))) as port:
        answer = await exchange(port, head + b"\r\n\r\n")
    assert answer.status == 431
    assert ("type" in answer.json()) == (path == b"messages")


async def flood(port: int, sent: bytes) -> bytes:
    """Send until the server refuses, and return what it said before it closed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(sent)
        return await reader.readuntil(b"\r\n")
    finally:
        writer.transport.abort()


async def test_a_head_within_the_bound_passes() -> None:
    async with serving(make_runtime(MemoryStore(state()))) as port:
        answer = await ask(port, "/healthz", method="GET", headers=["x: " + "a" * 60_000])
    assert answer.status == 200


@pytest.mark.parametrize("sent", [b"\x16\x03\x01\x02\x00\x01", b"GET\r\n\r\n", b"\x00" * 20])
async def test_what_is_not_http_is_400_in_json(sent: bytes) -> None:
    async with serving(make_runtime(MemoryStore(state()))) as port:
        answer = await exchange(port, sent)
    assert (answer.status, answer.headers["content-type"]) == (400, "application/json")
    assert answer.json()["error"]["code"] == "invalid_request"


POST = (
    b"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
)


async def test_what_comes_behind_a_request_does_not_take_its_answer() -> None:
    sent = POST + b"content-length: 2\r\n\r\n{}" + b'"model": "x"}\r\n\r\n'
    async with serving(make_runtime(MemoryStore(state()))) as port:
        answer = await exchange(port, sent)
    assert (answer.status, answer.headers["connection"]) == (200, "close")


async def test_requests_before_what_is_not_http_are_all_answered() -> None:
    asked = POST + b"content-length: 2\r\n\r\n{}"
    async with serving(make_runtime(MemoryStore(state()), hello)) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(asked * 3 + b"garbage\r\n\r\n")
        answers = await asyncio.wait_for(reader.read(), 5)
        writer.close()
    assert answers.count(b"HTTP/1.1 200") == 3


@pytest.mark.parametrize("path", [b"chat/completions", b"messages"])
async def test_a_broken_body_is_400_in_the_shape_of_its_path(path: bytes) -> None:
    head = POST.replace(b"chat/completions", path) + b"transfer-encoding: chunked\r\n\r\n"
    runtime = make_runtime(MemoryStore(state()))
    async with serving(runtime) as port:
        answer = await exchange(port, head + b"2\r\n{}\r\nzz\r\n")
    assert answer.status == 400
    assert ("type" in answer.json()) == (path == b"messages")
    assert not cast("ScriptedGateway", runtime.gateway).calls


async def test_half_a_head_is_408(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEAD_TIMEOUT_S", 0.05)
    async with serving(make_runtime(MemoryStore(state()))) as port:
        answer = await exchange(port, HEAD)
    assert answer.status == 408


async def test_a_silent_connection_is_closed_without_a_word(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(protocol, "HEAD_TIMEOUT_S", 0.05)
    async with serving(make_runtime(MemoryStore(state()))) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        assert await reader.read() == b""
        writer.close()


@pytest.mark.parametrize("second", [HEAD, b"\r\n"], ids=["half a head", "an empty line"])
async def test_the_timer_is_armed_again_for_the_next_request(
    monkeypatch: pytest.MonkeyPatch, second: bytes
) -> None:
    monkeypatch.setattr(protocol, "HEAD_TIMEOUT_S", 0.05)
    async with serving(make_runtime(MemoryStore(state()))) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(HEAD + b"\r\n")
        assert parse(await reader.readuntil(b'"ok"}')).status == 200
        writer.write(second)
        rest = await asyncio.wait_for(reader.read(), 5)
        writer.close()
    assert rest == b"" or parse(rest).status == 408


async def test_a_long_answer_is_no_late_head(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEAD_TIMEOUT_S", 0.02)
    async with serving(make_runtime(MemoryStore(state()))) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(HEAD + b"\r\n")
        assert parse(await reader.readuntil(b'"ok"}')).status == 200
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(), 0.1)  # kept alive, well past the head's bound
        writer.close()


async def test_a_connection_that_was_idle_for_long_is_closed_and_one_in_use_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("modelops.server.answering.KEEP_ALIVE_S", 0.05)
    go_on = asyncio.Event()

    async def slow(call: Call, reply: Reply) -> None:
        if len(cast("ScriptedGateway", runtime.gateway).calls) == 2:
            await go_on.wait()
        await hello(call, reply)

    runtime = make_runtime(MemoryStore(state()), slow)
    asked = POST + b"content-length: 2\r\n\r\n{}"
    async with serving(runtime) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(2):
            writer.write(asked)
        assert parse(await reader.readuntil(b"}")).status == 200
        with pytest.raises(TimeoutError):  # well past the bound, and past the timer of the first
            await asyncio.wait_for(reader.read(), 0.15)
        go_on.set()
        assert parse(await asyncio.wait_for(reader.read(), 5)).status == 200
        writer.close()


async def echo(call: Call, reply: Reply) -> None:
    reply.start(200, b"", len(call.body))
    reply.finish(call.body)


UPGRADES = {
    "h2c": "connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABk\r\n",
    "websocket": "upgrade: websocket\r\nconnection: keep-alive, upgrade\r\n",
}
UPLOADS = {"length": "content-length: 2\r\n", "chunked": "transfer-encoding: chunked\r\n"}


@pytest.mark.parametrize("cut", [0, 40, -1, -30], ids=["whole", "head", "body", "before body"])
@pytest.mark.parametrize("upload", UPLOADS)
@pytest.mark.parametrize("upgrade", UPGRADES)
async def test_an_upgrade_is_declined_and_the_request_served(
    upgrade: str, upload: str, cut: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Java's clients offer HTTP/2 with every request on a connection without TLS."""
    one = (
        "POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\n"
        f"content-type: application/json\r\n{UPGRADES[upgrade]}{UPLOADS[upload]}\r\n"
        + ("{}" if upload == "length" else "2\r\n{}\r\n0\r\n\r\n")
    ).encode()
    plain = f"{HEAD.decode()}connection: close\r\n\r\n".encode()
    sent = one + one + plain
    ears = Ears(monkeypatch)
    async with serving(make_runtime(MemoryStore(state()), echo)) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for piece in (sent[:cut], sent[cut:]):
            await ears.hear(writer, piece)
        answers = (await reader.read()).split(b"HTTP/1.1 ")[1:]
        writer.close()
    assert [answer[:3] for answer in answers] == [b"200"] * 3
    assert answers[0].endswith(b"\r\n\r\n{}")
    assert answers[1].endswith(b"\r\n\r\n{}")


async def test_an_upgrade_lifts_no_bound_and_leads_nowhere() -> None:
    offer = UPGRADES["h2c"].encode()
    async with serving(make_runtime(MemoryStore(state()))) as port:
        large = await flood(port, HEAD + offer + b"x: y\r\n" * 12_000 + b"\r\n")
        broken = await exchange(port, HEAD + offer + b"\r\nPRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        tunnel = await exchange(port, b"CONNECT a:443 HTTP/1.1\r\nhost: a:443\r\n\r\n")
    assert large.startswith(b"HTTP/1.1 431 ")
    assert broken.status == 200, "it was asked properly"
    assert tunnel.status == 400
