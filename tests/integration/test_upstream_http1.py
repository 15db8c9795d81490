"""The upstream client against an upstream that misbehaves, plain and over TLS."""

from __future__ import annotations

import asyncio
import tracemalloc
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from faulty_upstream import FaultyUpstream, certificate, proxying, serving
from upstream_ends import GRACE, TRIES, end_of, open_sockets, until

from modelops.gateway.upstream.connection import Connection
from modelops.gateway.upstream.errors import (
    ClosedError,
    HeadTimeoutError,
    IdleTimeoutError,
    MalformedError,
    ResetError,
    TruncatedError,
    UpstreamError,
)
from modelops.gateway.upstream.http1 import Http1Client
from modelops.gateway.upstream.proxy import proxy_from
from modelops.gateway.upstream.request import Request


class Rig:
    """A client and the upstream it talks to."""

    def __init__(self, upstream: FaultyUpstream, client: Http1Client) -> None:
        self.upstream = upstream
        self.client = client

    def request(self, path: str, body: bytes = b"{}") -> Request:
        headers = b"host: test\r\nauthorization: Bearer key\r\n"
        return Request(self.upstream.origin, path, headers, body)

    async def fetch(self, path: str, body: bytes = b"{}") -> tuple[int, bytes]:
        """Return status and body of a whole exchange."""
        response = await self.client.send(self.request(path, body), 5.0)
        try:
            pieces = []
            while piece := await response.read(5.0):
                pieces.append(piece)
            return response.status, b"".join(pieces)
        finally:
            response.close()


@pytest.fixture(params=["plain", "tls", "proxied"])
async def rig(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Rig]:
    server, client_tls = (None, None) if request.param == "plain" else certificate(tmp_path)
    async with serving(server) as upstream, proxying() as heads:
        proxy = None
        if request.param == "proxied":
            proxy = proxy_from({"HTTPS_PROXY": f"http://me:secret@127.0.0.1:{int(heads[0])}"})
        client = Http1Client(tls=client_tls, proxy=proxy)
        yield Rig(upstream, client)
        await client.close()
        await until(lambda: upstream.open == 0)
        assert len(heads) - 1 == (upstream.connections if proxy else 0)


async def test_a_request_arrives_as_it_was_given_and_the_connection_is_kept(rig: Rig) -> None:
    for _ in range(3):
        assert await rig.fetch("/ok", b'{"a": 1}') == (200, b"ok")
    assert rig.upstream.connections == 1
    _, _, head, size = rig.upstream.requests[0]
    assert size == 8
    assert head == (
        b"POST /ok HTTP/1.1\r\nhost: test\r\nauthorization: Bearer key\r\ncontent-length: 8\r\n\r\n"
    )


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("/reset", ResetError),
        ("/empty", ResetError),
        ("/garbage", MalformedError),
        ("/http2", MalformedError),
        ("/switch", MalformedError),
        ("/endless-head", MalformedError),
        ("/big-head", MalformedError),
        ("/cut-head", TruncatedError),
        ("/cut", TruncatedError),
        ("/cut-chunked", TruncatedError),
        ("/bad-chunk", MalformedError),
    ],
)
async def test_broken_responses_are_told_apart(
    rig: Rig, path: str, error: type[UpstreamError]
) -> None:
    with pytest.raises(error):
        await rig.fetch(path)
    assert await rig.fetch("/ok") == (200, b"ok"), "the client goes on"
    assert rig.upstream.connections == 2


async def test_what_came_before_a_cut_is_still_read(rig: Rig) -> None:
    response = await rig.client.send(rig.request("/cut"), 5.0)
    assert await response.read(5.0) == b"x" * 50
    with pytest.raises(TruncatedError):
        await response.read(5.0)
    response.close()


async def test_a_body_without_a_length_ends_with_the_connection(rig: Rig) -> None:
    assert await rig.fetch("/until-close") == (200, b"all of it")
    assert await rig.fetch("/ok") == (200, b"ok")
    assert rig.upstream.connections == 2


async def test_interim_responses_are_passed_over(rig: Rig) -> None:
    response = await rig.client.send(rig.request("/hints"), 5.0)
    assert response.status == 200
    assert response.headers == [(b"content-length", b"2")]
    response.close()


async def test_a_redirect_is_not_followed(rig: Rig) -> None:
    assert await rig.fetch("/redirect") == (307, b"")
    assert len(rig.upstream.requests) == 1


async def test_headers_come_raw_and_in_lower_case(rig: Rig) -> None:
    response = await rig.client.send(rig.request("/odd-headers"), 5.0)
    assert (b"set-cookie", b"a=1") in response.headers
    assert (b"set-cookie", b"b=2") in response.headers
    assert (b"x-latin", b"caf\xe9") in response.headers
    assert (b"x-mixed", b"V") in response.headers
    assert await response.read(5.0) == b"\x1f\x8b", "nothing is decompressed"
    response.close()
    response = await rig.client.send(rig.request("/many-headers"), 5.0)
    assert len(response.headers) == 301
    response.close()
    await rig.fetch("/ok")
    assert b"cookie" not in rig.upstream.requests[-1][2], "cookies are not kept"


@pytest.mark.parametrize("path", ["/close-after", "/connection-close"])
async def test_a_connection_the_server_closed_is_not_used_again(rig: Rig, path: str) -> None:
    assert await rig.fetch(path) == (200, b"ok")
    await until(lambda: not rig.client._open)
    assert await rig.fetch("/ok") == (200, b"ok")
    assert [path for _, path, _, _ in rig.upstream.requests] == [path, "/ok"]


async def test_a_request_that_races_with_the_servers_close_is_sent_once_more(rig: Rig) -> None:
    assert await rig.fetch("/drop-second") == (200, b"ok")
    assert await rig.fetch("/drop-second") == (200, b"ok")
    numbers = [number for number, _, _, _ in rig.upstream.requests]
    assert numbers == [1, 1, 2], "dropped on the kept connection, answered on a new one"


async def test_a_new_connection_that_dies_is_not_tried_again(rig: Rig) -> None:
    with pytest.raises(ResetError):
        await rig.fetch("/reset")
    assert rig.upstream.connections == 1


async def test_a_second_response_to_one_request_ends_the_connection(rig: Rig) -> None:
    assert await rig.fetch("/twice") == (200, b"ok")
    await until(lambda: not rig.client._open)
    assert await rig.fetch("/ok") == (200, b"ok")
    assert rig.upstream.connections == 2


async def test_timers_tell_where_the_time_went(rig: Rig) -> None:
    for path in ("/hang", "/stall-in-head"):
        with pytest.raises(HeadTimeoutError):
            await rig.client.send(rig.request(path), 0.05)
    response = await rig.client.send(rig.request("/stall"), 5.0)
    await response.read(5.0)
    with pytest.raises(IdleTimeoutError):
        await response.read(0.05)
    response.close()
    await asyncio.wait_for(until(lambda: rig.upstream.open == 0), 1.0)


def is_read(connection: Connection) -> bool:
    """Say whether the body of a response has begun, and what came of it has been read."""
    exchange = connection._exchange
    return exchange is not None and exchange.status == 200 and not connection.pieces


@pytest.mark.parametrize(
    ("path", "size", "in_the_middle"),
    [
        ("/slow-reader", 50 << 20, lambda connection: not connection._writable),
        ("/hang", 2, lambda _: True),
        ("/stall-in-head", 2, lambda connection: connection._answered),
        ("/stall", 2, is_read),
        ("/events", 2, is_read),
    ],
    ids=["sending", "before the head", "in the head", "in the body", "streaming"],
)
async def test_a_cancelled_call_ends_its_connection_at_once(
    rig: Rig, path: str, size: int, in_the_middle: Callable[[Connection], bool]
) -> None:
    upstream, body = rig.upstream, b"y" * size

    async def cancelled() -> float:
        """Cancel a call in the middle; return the seconds until the upstream saw its end."""
        before = len(upstream.requests)
        task = asyncio.create_task(rig.fetch(path, body))
        await until(lambda: upstream.open and (size > 2 or len(upstream.requests) > before))
        await until(lambda: any(map(in_the_middle, rig.client._open)))
        return await end_of(task, upstream)

    assert min([await cancelled() for _ in range(TRIES)]) < GRACE


async def test_two_hundred_cancelled_calls_leave_no_socket(rig: Rig) -> None:
    sockets = open_sockets()
    paths = ("/hang", "/stall-in-head", "/stall", "/hang") * 50
    tasks = [asyncio.create_task(rig.fetch(path)) for path in paths]
    await asyncio.wait_for(until(lambda: len(rig.upstream.requests) == 200), 20)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.wait_for(until(lambda: rig.upstream.open == 0), 5)
    await asyncio.wait_for(until(lambda: open_sockets() <= sockets), 5)


async def test_an_unread_response_ends_its_connection(rig: Rig) -> None:
    response = await rig.client.send(rig.request("/fifty-megabytes"), 5.0)
    response.close()
    await asyncio.wait_for(until(lambda: rig.upstream.open == 0), 1.0)


async def test_a_flow_hands_events_over_when_they_are_sent(rig: Rig) -> None:
    loop = asyncio.get_running_loop()
    response = await rig.client.send(rig.request("/events"), 5.0)
    arrived: list[float] = []

    def take(pieces: list[bytes]) -> bool:
        arrived.extend([loop.time()] * b"".join(pieces).count(b"data:"))
        return True

    assert await response.flow(take, 5.0, 30.0)
    assert await response.flow(take, 5.0, 30.0), "the end stays the end"
    response.close()
    delays = [at - sent for at, sent in zip(arrived, rig.upstream.sent_at, strict=True)]
    assert sorted(delays)[5] < 0.02, "an event is not kept for the next one"
    assert await rig.fetch("/ok") == (200, b"ok")
    assert rig.upstream.connections == 1


async def test_a_flow_that_is_stopped_goes_on_where_it_was(rig: Rig) -> None:
    response = await rig.client.send(rig.request("/fifty-megabytes"), 5.0)
    sizes: list[int] = []

    def take(pieces: list[bytes]) -> bool:
        sizes.append(sum(map(len, pieces)))
        return len(sizes) % 3 > 0

    while not await response.flow(take, 5.0, 30.0):
        await asyncio.sleep(0)
    response.close()
    assert sum(sizes) == 50 << 20
    assert max(sizes) < 2 << 20


async def test_what_came_before_a_cut_flows_first(rig: Rig) -> None:
    response = await rig.client.send(rig.request("/cut-chunked"), 5.0)
    came: list[bytes] = []

    def take(pieces: list[bytes]) -> bool:
        came.extend(pieces)
        return True

    with pytest.raises(TruncatedError):
        await response.flow(take, 5.0, 30.0)
    response.close()
    assert b"".join(came)


async def test_a_flow_ends_for_silence_and_for_its_time(rig: Rig) -> None:
    response = await rig.client.send(rig.request("/stall"), 5.0)
    with pytest.raises(IdleTimeoutError):
        await response.flow(lambda _: True, 0.05, 30.0)
    response.close()
    response = await rig.client.send(rig.request("/events"), 5.0)
    assert not await response.flow(lambda _: True, 5.0, 0.05)
    assert await response.flow(lambda _: True, 0.15, 30.0), "each event is a new beginning"
    response.close()


async def test_who_awaits_a_flow_hears_of_an_error_in_it(rig: Rig) -> None:
    response = await rig.client.send(rig.request("/events"), 5.0)
    with pytest.raises(ZeroDivisionError):
        await response.flow(lambda pieces: len(pieces) // 0 > 0, 5.0, 30.0)
    response.close()


async def test_a_cancelled_flow_ends_its_connection(rig: Rig) -> None:
    response = await rig.client.send(rig.request("/stall"), 5.0)
    flow = asyncio.create_task(response.flow(lambda _: True, 5.0, 30.0))
    await until(lambda: response.take is not None)
    flow.cancel()
    await asyncio.gather(flow, return_exceptions=True)
    response.close()
    await asyncio.wait_for(until(lambda: rig.upstream.open == 0), 1.0)


async def test_a_paused_reader_stops_the_upstream(rig: Rig) -> None:
    tracemalloc.start()
    try:
        response = await rig.client.send(rig.request("/fifty-megabytes"), 5.0)
        (connection,) = rig.client._open
        await until(lambda: connection._transport and not connection._transport.is_reading())
        assert tracemalloc.get_traced_memory()[1] < 8 << 20, "memory does not hold the rest"
    finally:
        tracemalloc.stop()
    size = 0
    while piece := await response.read(5.0):
        size += len(piece)
        assert len(piece) < 2 << 20
    response.close()
    assert size == 50 << 20


async def test_fifty_megabytes_go_up(rig: Rig) -> None:
    assert await rig.fetch("/ok", b"y" * (50 << 20)) == (200, b"ok")
    assert rig.upstream.requests[0][3] == 50 << 20
    assert await rig.fetch("/ok") == (200, b"ok")
    assert rig.upstream.connections == 1


@pytest.mark.parametrize(("path", "size"), [("/fifty-megabytes", 2), ("/ok", 50 << 20)])
async def test_fifty_megabytes_are_never_in_memory_twice(rig: Rig, path: str, size: int) -> None:
    request = rig.request(path, b"y" * size)
    tracemalloc.start()
    try:
        response = await rig.client.send(request, 20.0)
        while await response.read(20.0):
            pass
        response.close()
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()


async def test_an_answer_before_the_end_of_a_long_request_is_read(rig: Rig) -> None:
    response = await rig.client.send(rig.request("/early", b"y" * (50 << 20)), 5.0)
    assert response.status == 413
    response.close()
    assert await rig.fetch("/ok") == (200, b"ok")
    assert rig.upstream.connections == 2


async def test_closing_ends_what_is_under_way(rig: Rig) -> None:
    await rig.fetch("/ok")
    task = asyncio.create_task(rig.fetch("/hang"))
    await asyncio.wait_for(until(lambda: len(rig.upstream.requests) == 2), 1.0)
    await rig.client.close()
    with pytest.raises(ClosedError):
        await asyncio.wait_for(task, 1.0)
    await asyncio.wait_for(until(lambda: rig.upstream.open == 0), 1.0)
