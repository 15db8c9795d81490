"""A request whose body is waited for, by the data plane and by an ordinary handler."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from memory_store import MemoryStore
from server_support import Ears, make_runtime, parse, serving, state

from modelops.server.cycle import Cycle

PATHS = pytest.mark.parametrize("path", ["/v1/chat/completions", "/api/route"])


def head(path: str, length: int, *lines: str) -> bytes:
    always = (f"POST {path} HTTP/1.1", "host: 127.0.0.1", "content-type: application/json")
    return "\r\n".join([*always, f"content-length: {length}", *lines, "", ""]).encode()


@PATHS
async def test_a_client_that_waits_to_be_told_to_go_on_is_told(path: str) -> None:
    async with serving(make_runtime(MemoryStore(state()))) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(head(path, 2, "Expect: 100-Continue", "connection: close"))
        told = await reader.readuntil(b"\r\n\r\n")
        writer.write(b"{}")
        answer = parse(await reader.read())
        writer.close()
    assert told == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert answer.status in (200, 400)


@PATHS
async def test_a_body_that_comes_in_pieces_is_read_whole(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ears = Ears(monkeypatch)
    said = b'{"model": "production", "messages": []}'
    whole = head(path, len(said), "connection: close") + said
    async with serving(make_runtime(MemoryStore(state()))) as port:
        answers = []
        for size in (len(whole), 20):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            for start in range(0, len(whole), size):
                await ears.hear(writer, whole[start : start + size])
            answers.append(parse(await reader.read()))
            writer.close()
    assert answers[0].status == answers[1].status
    assert answers[0].body == answers[1].body


async def test_nobody_is_told_to_go_on_whose_body_is_refused(
    caplog: pytest.LogCaptureFixture,
) -> None:
    broken = b"POST /v1/messages HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
    broken += b"expect: 100-continue\r\ntransfer-encoding: chunked\r\n\r\nno size\r\n"
    async with serving(make_runtime(MemoryStore(state()))) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(broken)
        answer = await reader.read()
        writer.close()
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert not caplog.records


async def test_nobody_is_told_to_go_on_who_did_not_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = asyncio.Event()
    receive = Cycle.receive

    def noted(cycle: Cycle) -> Any:
        asked.set()
        return receive(cycle)

    monkeypatch.setattr(Cycle, "receive", noted)
    async with serving(make_runtime(MemoryStore(state()))) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(head("/v1/chat/completions", 2, "connection: close") + b"{")
        await asyncio.wait_for(asked.wait(), 10)
        writer.write(b"}")
        answer = await reader.read()
        writer.close()
    assert answer.startswith(b"HTTP/1.1 200 ")
