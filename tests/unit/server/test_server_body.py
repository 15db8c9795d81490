"""Bodies: how large, how slow, in how many pieces, and how many at once."""

from __future__ import annotations

import asyncio
import tracemalloc
from typing import Any, cast

import pytest
from memory_store import MemoryStore
from server_support import (
    Answered,
    ScriptedGateway,
    ask,
    exchange,
    hello,
    make_runtime,
    parse,
    request,
    serving,
    state,
)

from modelops.gateway.call import Call, Reply
from modelops.server import body as body_module
from modelops.server.body_budget import BodyBudget, Reservation


async def test_an_announced_large_body_is_refused_unread() -> None:
    async with serving(make_runtime(MemoryStore(state()))) as port:
        answer = await exchange(port, request(port, length=body_module.BODY_MAX + 1, body=b""))
    assert (answer.status, answer.headers["connection"]) == (413, "close")


async def test_a_body_without_length_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body_module, "BODY_MAX", 1_000)
    chunk = b"400\r\n" + b"x" * 1024 + b"\r\n"
    head = request(port=0, body=b"").replace(
        b"content-length: 0\r\n", b"transfer-encoding: chunked\r\n"
    )
    async with serving(make_runtime(MemoryStore(state()))) as port:
        answer = await exchange(port, head + chunk + b"0\r\n\r\n")
    assert answer.status == 413


async def test_a_body_that_comes_in_pieces_is_held_once() -> None:
    """Pieces that are joined at the end are there twice: with many large bodies, gigabytes."""
    left = 100

    async def receive() -> Any:
        nonlocal left
        left -= 1
        return {"type": "http.request", "body": b"%d" % (left % 10) * 65_536, "more_body": left > 0}

    budget = BodyBudget()
    tracemalloc.start()
    try:
        body = await body_module.read_body({}, receive, Reservation(budget))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(body) == budget.used == 100 * 65_536
    assert body[:65_537] == b"9" * 65_536 + b"8"
    assert peak < 1.3 * len(body)


async def read_answer(reader: asyncio.StreamReader) -> Answered:
    """Read one answer with a length: what is sent after it may reset the connection."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(parse(head).headers["content-length"])
    return parse(head + await reader.readexactly(length))


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
async def test_bodies_that_drip_are_ended_and_keep_nobody_waiting(
    monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr(body_module, "BODY_GRACE_S", 0.3)
    head = request(0, length=5_000, body=b"").replace(b"/v1/chat/completions", path.encode())
    runtime = make_runtime(MemoryStore(state()))

    async def drip(port: int) -> Answered:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        answer = asyncio.create_task(read_answer(reader))
        writer.write(head)
        while not answer.done():
            writer.write(b" ")
            await asyncio.sleep(0.01)
        writer.close()
        return await answer

    async with serving(runtime) as port:
        dripping = [asyncio.create_task(drip(port)) for _ in range(50)]
        for _ in range(10):
            assert (await ask(port)).status == 200
        answers = await asyncio.wait_for(asyncio.gather(*dripping), 10)
    assert {answer.status for answer in answers} == {408}
    assert all(("type" in answer.json()) == (path == "/v1/messages") for answer in answers)
    assert len(cast("ScriptedGateway", runtime.gateway).calls) == 10


async def test_a_body_in_many_pieces_arrives_whole() -> None:
    runtime = make_runtime(MemoryStore(state()))
    sent = bytes(range(256)) * 4_000
    async with serving(runtime) as port:
        answer = await ask(port, body=sent)
    assert answer.status == 200
    assert cast("ScriptedGateway", runtime.gateway).calls[0].body == sent


async def test_bodies_that_leave_no_room_are_told_to_come_again() -> None:
    began, go_on = asyncio.Event(), asyncio.Event()

    async def script(call: Call, reply: Reply) -> None:
        began.set()
        await go_on.wait()
        await hello(call, reply)

    runtime = make_runtime(MemoryStore(state()), script)
    large = b"x" * 1_000_000
    runtime.body_budget.size = len(large)
    async with serving(runtime) as port:
        first = asyncio.create_task(ask(port, body=large))
        await began.wait()
        refused = await ask(port, body=b"x")
        go_on.set()
        assert (await first).status == 200
        again = await ask(port, body=large)
    assert (refused.status, refused.headers["retry-after"]) == (503, "5")
    assert again.status == 200
    assert runtime.body_budget.used == 0


async def test_what_ends_within_its_body_gives_its_room_back() -> None:
    runtime = make_runtime(MemoryStore(state()))
    async with serving(runtime) as port:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request(port, length=200_000, body=b"x" * 100_000))
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        assert (await ask(port)).status == 200
        async with asyncio.timeout(30):
            while runtime.body_budget.used:
                await asyncio.sleep(0.01)
