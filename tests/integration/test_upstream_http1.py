"""Each upstream client against an upstream that misbehaves: plain, over TLS, and proxied."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from upstream_ends import GRACE, TRIES, at_rest, end_of, open_sockets, until
from upstream_rig import Rig

from modelops.gateway.upstream.errors import (
    ClosedError,
    HeadTimeoutError,
    IdleTimeoutError,
    MalformedError,
    ResetError,
    TruncatedError,
    UpstreamError,
)


async def test_a_request_arrives_as_it_was_given_and_the_connection_is_kept(rig: Rig) -> None:
    for _ in range(3):
        assert await rig.fetch("/ok", b'{"a": 1}') == (200, b"ok")
    assert rig.upstream.connections == 1
    _, _, head, size = rig.upstream.requests[0]
    assert size == 8
    assert head.lower() == (
        b"post /ok http/1.1\r\nhost: test\r\nauthorization: bearer key\r\ncontent-length: 8\r\n\r\n"
    )
    assert b"Bearer key" in head


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
        ("/bad-chunk-later", MalformedError),
    ],
)
async def test_broken_responses_are_told_apart(
    rig: Rig, path: str, error: type[UpstreamError]
) -> None:
    with pytest.raises(error):
        await rig.fetch(path)
    assert await rig.fetch("/ok") == (200, b"ok"), "the client goes on"
    assert rig.upstream.connections == 2


@pytest.mark.parametrize("late", [False, True])
async def test_what_came_before_a_cut_is_still_read(rig: Rig, late: bool) -> None:
    response = await rig.client.send(rig.request("/cut"), 5.0)
    if late:
        await at_rest(lambda: rig.upstream.open)
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
    await until(lambda: rig.upstream.open == 0)
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


@pytest.mark.parametrize("path", ["/reset-in-head", "/reset-until-close"])
async def test_a_reset_in_the_middle_of_a_response_is_not_tried_again(rig: Rig, path: str) -> None:
    assert await rig.fetch("/ok") == (200, b"ok")
    with pytest.raises(TruncatedError):
        await rig.fetch(path)
    assert [path for _, path, _, _ in rig.upstream.requests] == ["/ok", path]


@pytest.mark.parametrize("path", ["/twice", "/twice-later", "/body-twice", "/garbage-after"])
async def test_what_comes_after_a_response_ends_the_connection(rig: Rig, path: str) -> None:
    assert await rig.fetch(path) == (200, b"ok")
    await until(lambda: rig.upstream.open == 0)
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


@pytest.mark.parametrize(
    ("path", "size", "in_the_middle"),
    [
        ("/slow-reader", 50 << 20, lambda rig: rig.upstream.drained),
        ("/hang", 2, lambda _: True),
        ("/stall-in-head", 2, lambda rig: rig.upstream.written),
        ("/stall", 2, lambda rig: rig.pieces),
        ("/events", 2, lambda rig: rig.pieces),
    ],
    ids=["sending", "before the head", "in the head", "in the body", "streaming"],
)
async def test_a_cancelled_call_ends_its_connection_at_once(
    rig: Rig, path: str, size: int, in_the_middle: Callable[[Rig], bool]
) -> None:
    upstream, body = rig.upstream, b"y" * size

    async def cancelled() -> float:
        """Cancel a call in the middle; return the seconds until the upstream saw its end."""
        before = len(upstream.requests)
        upstream.drained = upstream.written = rig.pieces = 0
        task = asyncio.create_task(rig.fetch(path, body))
        await until(lambda: upstream.open and (size > 2 or len(upstream.requests) > before))
        await until(lambda: in_the_middle(rig))
        if path == "/stall-in-head":
            await at_rest(lambda: upstream.written)
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


async def test_closing_ends_what_is_under_way(rig: Rig) -> None:
    await rig.fetch("/ok")
    task = asyncio.create_task(rig.fetch("/hang"))
    await asyncio.wait_for(until(lambda: len(rig.upstream.requests) == 2), 1.0)
    await rig.client.close()
    with pytest.raises(ClosedError):
        await asyncio.wait_for(task, 1.0)
    await asyncio.wait_for(until(lambda: rig.upstream.open == 0), 1.0)
