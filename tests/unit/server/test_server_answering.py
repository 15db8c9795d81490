"""A connection between its requests, and one whose client leaves or will not stop sending."""

from __future__ import annotations

import asyncio
import logging
import socket
from types import SimpleNamespace
from typing import Any, cast

import pytest
from memory_store import MemoryStore
from server_support import (
    ScriptedGateway,
    ask,
    hello,
    make_runtime,
    parse,
    request,
    serving,
    serving_as_worker,
    state,
)

from modelops.gateway.call import Call, Reply
from modelops.server import body as body_module
from modelops.server.answering import AnsweringProtocol, _unsent


async def test_a_client_that_leaves_cancels_the_gateway() -> None:
    began, ended = asyncio.Event(), asyncio.Event()

    async def script(_call: Call, reply: Reply) -> None:
        reply.start(200, b"")
        reply.send(b"data: 1\n\n")
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with serving(make_runtime(MemoryStore(state()), script)) as port:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request(port))
        await began.wait()
        writer.close()
        await asyncio.wait_for(ended.wait(), 5)


async def test_a_client_that_leaves_raises_nothing(caplog: pytest.LogCaptureFixture) -> None:
    await test_a_client_that_leaves_cancels_the_gateway()
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def test_what_runs_too_long_for_the_end_of_the_server_can_say_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    began = asyncio.Event()

    async def script(_call: Call, reply: Reply) -> None:
        reply.start(200, b"")
        reply.send(b"data: 1\n\n")
        began.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            assert not reply.gone
            reply.finish(b"data: the end\n\n")
            raise

    runtime = make_runtime(MemoryStore(state()), script, grace_s=0)
    async with serving_as_worker(runtime) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request(port))
        await began.wait()
    assert parse(await reader.read()).body == b"data: 1\n\ndata: the end\n\n"
    writer.close()
    assert "ASGI callable" not in caplog.text


async def test_a_client_that_leaves_is_not_counted_as_refused() -> None:
    began = asyncio.Event()

    async def script(_call: Call, _reply: Reply) -> None:
        began.set()
        await asyncio.Event().wait()

    runtime = make_runtime(MemoryStore(state()), script)
    async with serving(runtime) as port:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request(port))
        await began.wait()
        writer.close()
        async with asyncio.timeout(5):
            while asyncio.all_tasks() != {asyncio.current_task()}:
                await asyncio.sleep(0.01)
    assert not runtime.observer.counters.refused


async def test_a_client_that_leaves_is_known_to_be_gone_with_another_request_behind() -> None:
    began, gone = asyncio.Event(), []

    async def script(_call: Call, reply: Reply) -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            gone.append(reply.gone)

    runtime = make_runtime(MemoryStore(state()), script)
    async with serving(runtime) as port:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request(port).replace(b"connection: close\r\n", b"") * 2)
        await began.wait()
        writer.close()
        async with asyncio.timeout(5):
            while asyncio.all_tasks() != {asyncio.current_task()}:
                await asyncio.sleep(0.01)
    assert gone == [True]
    assert not runtime.observer.counters.refused


async def test_a_client_that_leaves_within_its_body_reaches_no_gateway() -> None:
    runtime = make_runtime(MemoryStore(state()))
    async with serving(runtime) as port:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request(port, length=10, body=b"{"))
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        assert (await ask(port)).status == 200
        async with asyncio.timeout(5):
            while asyncio.all_tasks() != {asyncio.current_task()}:
                await asyncio.sleep(0.01)
    assert len(cast("ScriptedGateway", runtime.gateway).calls) == 1


async def test_keep_alive_serves_one_request_after_another() -> None:
    async with serving(make_runtime(MemoryStore(state()), hello)) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(3):
            writer.write(request(port).replace(b"connection: close\r\n", b""))
            assert (await reader.readuntil(b'there"}')).startswith(b"HTTP/1.1 200")
        writer.close()


async def test_a_client_that_sends_on_after_its_answer_can_read_it() -> None:
    head = request(0, length=body_module.BODY_MAX + 1, body=b"")
    async with serving(make_runtime(MemoryStore(state()))) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(head)
        for _ in range(8):
            writer.write(b" " * (1 << 20))
            await writer.drain()
        answer = parse(await reader.read())
        writer.close()
        assert (await ask(port)).status == 200
    assert answer.status == 413


async def send_for_ever(writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b" " * 100_000)
        await writer.drain()
        await asyncio.sleep(0)


async def test_a_client_that_never_stops_sending_is_hung_up_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("modelops.server.answering.LINGER_S", 0.05)
    head = request(0, length=body_module.BODY_MAX + 1, body=b"")
    async with serving(make_runtime(MemoryStore(state()))) as port:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(head)
        with pytest.raises(ConnectionError):
            await send_for_ever(writer)
        writer.close()


@pytest.mark.parametrize("streamed", [True, False])
async def test_a_client_that_stops_reading_is_hung_up_on(
    monkeypatch: pytest.MonkeyPatch, streamed: bool
) -> None:
    monkeypatch.setattr("modelops.server.answering.STALL_S", 0.05)
    ended = asyncio.Event()

    async def script(_call: Call, reply: Reply) -> None:
        try:
            if not streamed:
                reply.start(200, b"", 50_000_000)
                reply.finish(bytes(50_000_000))
                return
            reply.start(200, b"")
            while reply.send(bytes(100_000)) or await reply.ready(60):
                await asyncio.sleep(0)
        finally:
            ended.set()

    async with serving(make_runtime(MemoryStore(state()), script)) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        reader._transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(request(port).replace(b"connection: close\r\n", b""))
        async with asyncio.timeout(5):
            await ended.wait()
            while len(asyncio.all_tasks()) > 1:
                await asyncio.sleep(0.01)
        writer.close()


async def test_what_the_kernel_holds_for_a_client_waits_too() -> None:
    left, right = socket.socketpair()
    with right:
        transport, _ = await asyncio.get_running_loop().create_connection(
            asyncio.Protocol, sock=left
        )
        before = _unsent(transport)
        transport.write(bytes(5000))
        held = _unsent(transport)
        transport.abort()
    assert before == 0
    assert held >= 5000, "the kernel counts what it adds"


def test_a_client_that_reads_slowly_is_served(monkeypatch: pytest.MonkeyPatch) -> None:
    waiting, kernel, rings, ended = [9, 9, 5, 4, 4], [8, 6, 9, 9, 9], 0, []
    monkeypatch.setattr("modelops.server.answering._unsent", lambda _transport: kernel.pop(0))
    timers: list[tuple[Any, ...]] = []
    protocol = object.__new__(AnsweringProtocol)
    protocol.loop = cast("Any", SimpleNamespace(call_later=lambda *timer: timers.append(timer)))
    protocol.transport = cast(
        "Any",
        SimpleNamespace(
            get_write_buffer_size=lambda: waiting.pop(0), abort=lambda: ended.append(rings)
        ),
    )
    protocol._watch_reader()
    while timers:
        rings += 1
        seconds, look, *before = timers.pop()
        assert seconds == 60.0
        look(*before)
    assert ended == [4], "not before nothing was taken for once"
