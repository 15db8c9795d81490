"""Answers as bytes on the connection: framing, one write where one does, order, closing."""

from __future__ import annotations

import asyncio
import gc
import weakref
from types import SimpleNamespace
from typing import Any, cast

import pytest
from memory_store import MemoryStore
from server_support import make_runtime, serving, state

from modelops.gateway.call import Call, Reply, header_lines
from modelops.server.reply import ConnectionReply


class Wire:
    """Keeps what is written, write by write."""

    def __init__(self) -> None:
        self.writes: list[bytes] = []
        self.closed = False

    def write(self, data: bytes) -> None:
        self.writes.append(data)

    def close(self) -> None:
        self.closed = True


def reply_over(wire: Wire, **fields: Any) -> tuple[ConnectionReply, Any]:
    cycle = SimpleNamespace(
        connection=SimpleNamespace(
            server_state=SimpleNamespace(default_headers=[(b"date", b"today")]),
            on_response_complete=lambda: None,
            close_gracefully=wire.close,
        ),
        transport=wire,
        flow=SimpleNamespace(write_paused=False),
        method=b"POST",
        http_version="1.1",
        keep_alive=True,
        disconnected=False,
        response_started=False,
        response_complete=False,
        waiting_for_100_continue=True,
        message_event=asyncio.Event(),
    )
    vars(cycle).update(fields)
    return ConnectionReply(cast("Any", cycle)), cycle


def test_a_whole_answer_is_one_write() -> None:
    reply, cycle = reply_over(wire := Wire())
    reply.start(200, b"content-type: text/plain\r\n", 2)
    reply.finish(b"ok")
    head = b"HTTP/1.1 200 OK\r\ndate: today\r\ncontent-type: text/plain\r\ncontent-length: 2\r\n"
    assert wire.writes == [head + b"\r\nok"]
    assert (cycle.response_complete, cycle.waiting_for_100_continue, wire.closed) == (
        True,
        False,
        False,
    )


def test_each_piece_of_a_stream_is_a_chunk_and_a_write() -> None:
    reply, _ = reply_over(wire := Wire())
    reply.start(200, b"")
    assert [reply.send(piece) for piece in (b"one", b"", b"x" * 17)] == [True] * 3
    reply.finish()
    head, rest = wire.writes[0].split(b"\r\n\r\n")
    assert b"transfer-encoding: chunked" in head
    assert rest == b"3\r\none\r\n"
    assert wire.writes[1:] == [b"11\r\n" + b"x" * 17 + b"\r\n", b"0\r\n\r\n"]


def test_a_connection_that_is_not_kept_is_closed_and_says_so() -> None:
    reply, _ = reply_over(wire := Wire(), keep_alive=False)
    reply.start(200, b"", 0)
    reply.finish()
    assert wire.closed
    assert b"connection: close\r\n" in wire.writes[0]


def test_a_refusal_closes_the_connection() -> None:
    reply, _ = reply_over(wire := Wire())
    reply.refuse(413, [(b"x-why", b"size")], b"{}")
    assert wire.closed
    assert wire.writes[0].startswith(b"HTTP/1.1 413 ")
    assert wire.writes[0].endswith(
        b"x-why: size\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}"
    )


def test_nothing_is_written_to_a_client_that_left() -> None:
    reply, cycle = reply_over(wire := Wire(), disconnected=True)
    reply.start(200, b"", 2)
    reply.finish(b"ok")
    assert wire.writes == []
    assert not cycle.response_complete


async def test_a_client_that_reads_slowly_is_waited_for() -> None:
    room = asyncio.Event()
    flow = SimpleNamespace(write_paused=True, drain=room.wait)
    reply, _ = reply_over(wire := Wire(), flow=flow)
    reply.start(200, b"")
    assert not reply.send(b"piece")
    assert len(wire.writes) == 1
    assert not await reply.ready(0.001)
    waiting = asyncio.create_task(reply.ready(60))
    await asyncio.sleep(0)
    assert not waiting.done()
    room.set()
    assert await waiting


@pytest.mark.parametrize("value", [b"a\r\nset-cookie: x", b"a\nb", b"a\rb"])
def test_a_header_cannot_begin_another(value: bytes) -> None:
    with pytest.raises(ValueError, match="line break"):
        header_lines([(b"x-word", value)])


async def test_pipelined_requests_are_answered_in_their_order() -> None:
    async def script(call: Call, reply: Reply) -> None:
        await asyncio.sleep(0)
        reply.start(200, b"", len(call.body))
        reply.finish(call.body)

    async with serving(make_runtime(MemoryStore(state()), script)) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        bodies = [b"first", b"the second", b"3"]
        writer.writelines(request(port, body) for body in bodies)
        for body in bodies:
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
            assert b"content-length: %d\r\n" % len(body) in head
            assert await reader.readexactly(len(body)) == body
        writer.close()


async def test_head_is_refused_without_a_body() -> None:
    async with serving(make_runtime(MemoryStore(state()))) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"HEAD /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\n\r\n")
        answer = await asyncio.wait_for(reader.read(), 5)
        writer.close()
    assert answer.startswith(b"HTTP/1.1 405 ")
    assert answer.endswith(b"\r\n\r\n")


async def test_a_connection_whose_task_was_ended_answers_the_next_request() -> None:
    tasks: list[asyncio.Task[object]] = []

    async def script(_call: Call, reply: Reply) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.append(task)
        reply.start(200, b"", 2)
        reply.finish(b"ok")

    async with serving(make_runtime(MemoryStore(state()), script)) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(3):
            writer.write(request(port, b"{}"))
            await asyncio.wait_for(reader.readuntil(b"\r\n\r\nok"), 5)
            if len(tasks) == 2:
                tasks[1].cancel()
                await asyncio.wait(tasks[1:])
        writer.close()
    assert tasks[0] is tasks[1]
    assert tasks[1] is not tasks[2]


async def test_neither_a_request_nor_a_connection_leaves_a_circle_for_the_collector() -> None:
    seen: list[weakref.ref[object]] = []
    connections: list[weakref.ref[object]] = []
    gone = asyncio.Event()

    async def script(_call: Call, reply: Reply) -> None:
        cycle = cast("ConnectionReply", reply)._cycle
        seen.append(weakref.ref(cycle))
        connection = cycle.connection
        connections.append(weakref.ref(connection, lambda _: gone.set()))
        reply.start(200, b"", 2)
        reply.finish(b"ok")

    gc.disable()
    try:
        async with serving(make_runtime(MemoryStore(state()), script)) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            for _ in range(3):
                writer.write(request(port, b"{}"))
                await asyncio.wait_for(reader.readuntil(b"\r\n\r\nok"), 5)
            assert [cycle() for cycle in seen[:2]] == [None, None]
            writer.close()
            await asyncio.wait_for(gone.wait(), 5)
    finally:
        gc.enable()


def request(port: int, body: bytes) -> bytes:
    head = f"POST /v1/messages HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n"
    head += f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body
