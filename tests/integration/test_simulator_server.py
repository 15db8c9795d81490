"""The simulator over real sockets: connections, order, broken requests, clients that leave."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from modelops.simulator import http
from modelops.simulator.http import listening
from modelops.simulator.simulator import Simulator

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def request(model: str, *, stream: bool = False, extra: str = "") -> bytes:
    asked: dict[str, Any] = {"model": model, "stream": stream}
    body = json.dumps({**asked, "messages": [{"role": "user", "content": "Hello"}]})
    return (
        "POST /openai/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer k\r\n"
        f"{extra}content-length: {len(body)}\r\n\r\n{body}"
    ).encode()


async def answer(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    return head + await reader.readexactly(length)


@pytest.fixture
def simulator() -> Simulator:
    return Simulator()


@pytest.fixture
async def client(simulator: Simulator) -> AsyncIterator[Streams]:
    async with listening(simulator) as url:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
        yield reader, writer
        writer.close()


async def ended(simulator: Simulator, count: int) -> None:
    """Wait until so many exchanges have ended."""
    async with asyncio.timeout(10):
        while simulator.ledger.ended < count:
            await asyncio.sleep(0.002)


async def test_requests_on_one_connection_are_answered_in_order(client: Streams) -> None:
    reader, writer = client
    writer.write(request("first") + request("second") + request("third"))
    answered = [json.loads((await answer(reader)).partition(b"\r\n\r\n")[2]) for _ in range(3)]
    assert [one["model"] for one in answered] == ["first", "second", "third"]


async def test_a_request_may_come_in_pieces(client: Streams) -> None:
    reader, writer = client
    for byte in request("m"):
        writer.write(bytes([byte]))
        await writer.drain()
    assert b" 200 OK" in await answer(reader)


async def test_a_client_is_asked_for_its_body(client: Streams) -> None:
    reader, writer = client
    writer.write(request("m", extra="expect: 100-continue\r\n"))
    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert b" 200 OK" in await answer(reader)


async def test_the_connection_closes_when_the_client_says_so(client: Streams) -> None:
    reader, writer = client
    writer.write(request("m", extra="connection: close\r\n"))
    await answer(reader)
    assert await reader.read() == b""


async def test_what_is_not_http_is_answered_and_closed(client: Streams) -> None:
    reader, writer = client
    writer.write(b"garbage\r\n\r\n")
    assert b" 400 " in await reader.read()


async def test_a_body_has_a_bound(client: Streams, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "MAX_BODY", 10)
    reader, writer = client
    writer.write(request("m"))
    assert b" 413 " in await reader.read()


async def test_a_client_that_leaves_is_noticed(simulator: Simulator, client: Streams) -> None:
    reader, writer = client
    writer.write(request("static-1000x10ms", stream=True))
    await reader.readuntil(b"data: ")
    writer.close()
    await ended(simulator, 1)
    entry = simulator.ledger.entries[0]
    assert entry.outcome == "client_gone"
    assert 0 < entry.events < 1000


class Slow(asyncio.Transport):
    """A transport to a client that reads when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[bytes] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.sent.append(bytes(data))


async def test_a_slow_reader_holds_the_stream_back(simulator: Simulator) -> None:
    connection, transport = http.Connection(simulator, set()), Slow()
    connection.connection_made(transport)
    connection.data_received(request("static-100x0ms", stream=True))
    connection.pause_writing()
    sent = len(transport.sent)
    for _ in range(200):  # turns of the loop, in each of which a piece could leave
        await asyncio.sleep(0)
    assert (len(transport.sent), simulator.ledger.ended) == (sent, 0)
    connection.resume_writing()
    await ended(simulator, 1)
    assert b"[DONE]" in b"".join(transport.sent)
    assert simulator.ledger.entries[0].outcome == "completed"


@pytest.mark.parametrize(
    ("model", "stream", "ending"),
    [
        ("sim-close", False, b""),
        ("sim-cut", True, None),
        ("sim-malformed-chunk", True, b"zz\r\nbroken\r\n"),
    ],
)
async def test_the_connection_ends_with_the_fault(
    simulator: Simulator, client: Streams, model: str, stream: bool, ending: bytes | None
) -> None:
    reader, writer = client
    writer.write(request(model, stream=stream))
    received = await reader.read()
    assert not received.endswith(b"0\r\n\r\n")
    if ending is not None:
        assert received.endswith(ending)
    assert simulator.ledger.entries[0].outcome == "cut"


async def test_a_reset_reaches_the_client(client: Streams) -> None:
    reader, writer = client
    writer.write(request("sim-reset"))
    with pytest.raises(ConnectionResetError):
        await reader.read()


async def test_a_hanging_request_is_open_until_the_client_leaves(
    simulator: Simulator, client: Streams
) -> None:
    reader, writer = client
    writer.write(request("sim-hang"))
    async with asyncio.timeout(10):
        while not simulator.ledger.began:
            await asyncio.sleep(0.002)
    assert simulator.ledger.ended == 0
    writer.write_eof()
    assert await reader.read() == b""
    await ended(simulator, 1)
    assert simulator.ledger.entries[0].outcome == "client_gone"


async def test_two_streams_do_not_wait_for_each_other(simulator: Simulator) -> None:
    async with listening(simulator) as url:
        port = int(url.rpartition(":")[2])
        slow = await asyncio.open_connection("127.0.0.1", port)
        slow[1].write(request("static-100000x60000ms", stream=True))
        await slow[0].readuntil(b"\r\n\r\n")
        quick = await asyncio.open_connection("127.0.0.1", port)
        quick[1].write(request("m"))
        assert b" 200 OK" in await answer(quick[0])
        for _, writer in (slow, quick):
            writer.close()
            await writer.wait_closed()
        await ended(simulator, 2)
    assert [entry.outcome for entry in simulator.ledger.entries] == ["completed", "client_gone"]


def start(*arguments: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "modelops", "simulator", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


@pytest.mark.parametrize("name", [signal.SIGINT, signal.SIGTERM])
def test_the_command_announces_itself_and_ends_cleanly(name: signal.Signals) -> None:
    with start() as process:
        assert process.stdout is not None
        url = json.loads(process.stdout.readline())["url"]
        assert url.startswith("http://127.0.0.1:")
        process.send_signal(name)
        out, err = process.communicate(timeout=10)
    assert (process.returncode, out, err) == (0, b"", b"")


def test_the_command_ends_with_its_parent() -> None:
    script = (
        "import subprocess, sys, time\n"
        "arguments = ['-m', 'modelops', 'simulator', '--exit-with-parent']\n"
        "child = subprocess.Popen([sys.executable, *arguments], stdout=subprocess.PIPE)\n"
        "child.stdout.readline()\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.kill()
    # The child has become somebody else's: only its disappearance can be seen.
    for _ in range(1000):
        if not alive(child):
            return
        signal.sigtimedwait([], 0.01)
    pytest.fail("the simulator outlived its parent")


def alive(pid: int) -> bool:
    """Return whether a process runs; one that only waits to be collected does not."""
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    except ProcessLookupError:
        return False


def test_a_port_in_use_is_an_error_with_a_hint() -> None:
    with start() as first:
        assert first.stdout is not None
        port = json.loads(first.stdout.readline())["url"].rpartition(":")[2]
        second = start("--port", port)
        _, err = second.communicate(timeout=10)
        first.terminate()
    assert second.returncode == 1
    assert b"cannot listen" in err
    assert b"--port" in err


def test_a_fault_that_is_none_is_an_error_with_a_hint() -> None:
    process = start("--fault", "openai:explode")
    _, err = process.communicate(timeout=10)
    assert process.returncode == 1
    assert b"kinds are" in err
