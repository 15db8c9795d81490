"""Load over raw sockets: closed loop, open loop and paced streams, run as its own process.

Run as `python -m benchmarks.load JSON`, it prints one JSON result. It is a program of its own so
that it can be pinned to another core than the server it measures. Only loopback is ever a target.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import NamedTuple, cast

import uvloop


class Plan(NamedTuple):
    """What to send. `rate` 0 is a closed loop over `connections`, else requests a second."""

    host: str
    port: int
    request: bytes
    connections: int
    seconds: float
    rate: float = 0.0
    streams: int = 0


class Wire(asyncio.Protocol):
    """One kept-alive connection: a prebuilt request out, the end of its answer awaited."""

    def __init__(self, request: bytes) -> None:
        self.request = request
        self.done: asyncio.Future[int] | None = None
        self.transport: asyncio.Transport | None = None
        self.head = b""
        self.left = -1
        self.status = 0
        self.events = 0
        self.arrivals: list[float] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way out."""
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is none by its class

    def connection_lost(self, exc: Exception | None) -> None:
        """Count an answer that was still awaited as failed."""
        if self.done is not None and not self.done.done():
            self.done.set_result(0)

    async def once(self) -> int:
        """Send the request and return the status of its answer, read whole; 0 when cut."""
        self.head, self.left, self.status = b"", -1, 0
        self.done = asyncio.get_running_loop().create_future()
        if self.transport is None or self.transport.is_closing():
            return 0
        self.transport.write(self.request)
        return await self.done

    def data_received(self, data: bytes) -> None:
        """Find the end: by content-length, or by the last chunk of a chunked body."""
        if self.left == -1:
            self.head += data
            end = self.head.find(b"\r\n\r\n")
            if end < 0:
                return
            lower = self.head[:end].lower()
            self.status = int(self.head[9:12])
            data = self.head[end + 4 :]
            length = lower.find(b"content-length:")
            self.left = int(lower[length + 15 :].split(b"\r\n", 1)[0]) if length >= 0 else -2
        if self.left == -2:
            found = data.count(b"data: ")
            if found:
                self.events += found
                self.arrivals.append(time.perf_counter())
            ended = data.endswith(b"0\r\n\r\n")
        else:
            self.left -= len(data)
            ended = self.left <= 0
        if ended and self.done is not None and not self.done.done():
            self.done.set_result(self.status)


async def connect(plan: Plan) -> Wire:
    """Open one connection."""
    loop = asyncio.get_running_loop()
    _, wire = await loop.create_connection(lambda: Wire(plan.request), plan.host, plan.port)
    return wire


async def closed_loop(plan: Plan) -> tuple[list[float], int]:
    """Keep every connection busy; return latencies in seconds and the count of failures."""
    wires = [await connect(plan) for _ in range(plan.connections)]
    latencies: list[float] = []
    failures = 0
    stop = time.perf_counter() + plan.seconds

    async def busy(wire: Wire) -> None:
        nonlocal failures
        while (begun := time.perf_counter()) < stop:
            failures += await wire.once() != 200
            latencies.append(time.perf_counter() - begun)

    await asyncio.gather(*(busy(wire) for wire in wires))
    return latencies, failures


async def open_loop(plan: Plan) -> tuple[list[float], int]:
    """Send at a fixed rate whatever comes back; latency counts from when a request was due."""
    idle = [await connect(plan) for _ in range(plan.connections)]
    latencies: list[float] = []
    failures = 0
    begun = time.perf_counter()
    pending: set[asyncio.Task[None]] = set()

    async def fire(due: float) -> None:
        nonlocal failures
        wire = idle.pop() if idle else await connect(plan)
        failures += await wire.once() != 200
        latencies.append(time.perf_counter() - due)
        idle.append(wire)

    for number in range(int(plan.rate * plan.seconds)):
        due = begun + number / plan.rate
        if (wait := due - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
        task = asyncio.create_task(fire(due))
        pending.add(task)
        task.add_done_callback(pending.discard)
    await asyncio.gather(*pending)
    return latencies, failures


async def paced_streams(plan: Plan) -> tuple[list[float], int, int]:
    """Open many streams at once; return gaps between arrivals, failures and events."""
    wires = [await connect(plan) for _ in range(plan.streams)]
    statuses = await asyncio.gather(*(wire.once() for wire in wires))
    gaps = [
        later - earlier
        for wire in wires
        for earlier, later in zip(wire.arrivals, wire.arrivals[1:], strict=False)
    ]
    return gaps, sum(status != 200 for status in statuses), sum(wire.events for wire in wires)


def percentile(values: list[float], share: float) -> float:
    """Return the value below which `share` of the sorted values lie; 0 of none."""
    return sorted(values)[min(int(len(values) * share), len(values) - 1)] if values else 0.0


async def run(plan: Plan) -> dict[str, float]:
    """Run a plan; times come back in milliseconds."""
    begun = time.perf_counter()
    events = 0
    if plan.streams:
        values, failures, events = await paced_streams(plan)
    elif plan.rate:
        values, failures = await open_loop(plan)
    else:
        values, failures = await closed_loop(plan)
    return {
        "count": events or len(values),
        "failures": failures,
        "seconds": time.perf_counter() - begun,
        "p50_ms": percentile(values, 0.5) * 1000,
        "p99_ms": percentile(values, 0.99) * 1000,
    }


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    given["request"] = given["request"].encode()
    sys.stdout.write(json.dumps(uvloop.run(run(Plan(**given)))) + "\n")
