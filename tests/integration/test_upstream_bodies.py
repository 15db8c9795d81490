"""Bodies on their way through the upstream client: as they flow, held back, and large."""

from __future__ import annotations

import asyncio
import tracemalloc

import pytest
from upstream_ends import at_rest, until
from upstream_rig import Rig

from modelops.gateway.upstream.errors import (
    IdleTimeoutError,
    TruncatedError,
)


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


async def test_a_body_that_came_whole_outlives_its_connection(rig: Rig) -> None:
    response = await rig.client.send(rig.request("/over-a-quarter-megabyte"), 5.0)
    await at_rest(lambda: rig.upstream.written)
    rig.upstream.reset()
    await at_rest(lambda: rig.upstream.open)
    size = 0
    while piece := await response.read(5.0):
        size += len(piece)
    response.close()
    assert size == (1 << 18) + 1, "reading stopped at its last byte"


async def test_a_long_body_with_which_the_connection_ends_is_read_whole(rig: Rig) -> None:
    response = await rig.client.send(rig.request("/long-close"), 5.0)
    await at_rest(lambda: rig.upstream.open)
    size = 0
    while piece := await response.read(5.0):
        size += len(piece)
    response.close()
    assert size == 300_000


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
    await at_rest(lambda: rig.upstream.written)
    flow.cancel()
    await asyncio.gather(flow, return_exceptions=True)
    response.close()
    await asyncio.wait_for(until(lambda: rig.upstream.open == 0), 1.0)


async def test_a_paused_reader_stops_the_upstream(rig: Rig) -> None:
    tracemalloc.start()
    try:
        response = await rig.client.send(rig.request("/fifty-megabytes"), 5.0)
        await at_rest(lambda: rig.upstream.written)
        assert rig.upstream.written < 32 << 20, "sockets hold some of it"
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
