"""What one request carries along the road: who asks, for what, through which chain, until when."""

from __future__ import annotations

from random import Random

import msgspec

from modelops.gateway.body import Body
from modelops.gateway.call import Call, Clock, Recorder, Reply
from modelops.gateway.caller import client_request_id, user_of
from modelops.gateway.health import Health
from modelops.gateway.roads import Road
from modelops.gateway.slots import Slots
from modelops.gateway.table import RoutingTable, Step
from modelops.gateway.upstream.client import Client
from modelops.metering.attempt import Attempt

TRAIL_MAX = 2000
"""Characters of the header that lists the attempts."""


class Tools:
    """What the gateway was handed, and its health: the same for every request."""

    __slots__ = ("_workers", "client", "clock", "health", "random", "recorder", "slots")

    def __init__(
        self, client: Client, recorder: Recorder, clock: Clock, random: Random, workers: int
    ) -> None:
        self._workers = workers
        self.client = client
        self.recorder = recorder
        self.clock = clock
        self.random = random
        self.health = Health()
        self.slots = Slots()

    def share(self, limit: int) -> int:
        """Return this worker's share of a limit, at least 1; 0 where there is no limit."""
        return max(1, limit // self._workers) if limit else 0


class Context:
    """One request. `trail` tells the story of its attempts, `number` counts them.

    `deadline` is in monotonic seconds. Failed attempts wait in `pending` until it is known whether
    another follows: only the last row of a request is final.
    """

    __slots__ = (
        "body",
        "call",
        "chain",
        "client_request_id",
        "deadline",
        "number",
        "pending",
        "reply",
        "road",
        "table",
        "tools",
        "trail",
        "user",
    )

    def __init__(
        self, tools: Tools, table: RoutingTable, call: Call, body: Body, road: Road, reply: Reply
    ) -> None:
        self.tools = tools
        self.table = table
        self.call = call
        self.body = body
        self.road = road
        self.chain = chain = road.chain
        self.reply = reply
        self.user = user_of(call, body)
        self.client_request_id = client_request_id(call)
        self.deadline = tools.clock.monotonic() + chain.deadline
        self.number = 0
        self.trail: list[str] = []
        self.pending: Attempt | None = None

    def left(self) -> float:
        """Return the seconds until the deadline."""
        return self.deadline - self.tools.clock.monotonic()

    def record_pending(self, *, final: bool) -> None:
        """Record the failed attempt that waited, if one did."""
        if self.pending is not None:
            attempt, self.pending = self.pending, None
            self.tools.recorder.record(
                msgspec.structs.replace(attempt, final=True) if final else attempt
            )

    def headers(self, step: Step | None = None, position: int = 0) -> list[tuple[bytes, bytes]]:
        """Return the answer headers that say how an answer came."""
        lines = base_headers(self.call, self.table)
        if self.trail:
            trail = ", ".join(self.trail)[:TRAIL_MAX]
            lines.append((b"x-modelops-attempts", trail.encode("ascii", "replace")))
        if step is not None:
            lines.append((b"x-modelops-target", step.target.name.encode()))
            if position > 0:
                lines.append((b"x-modelops-fallback", b"true"))
            if step.target.provider.simulated:
                lines.append((b"x-modelops-simulated", b"true"))
        return lines


def base_headers(call: Call, table: RoutingTable) -> list[tuple[bytes, bytes]]:
    """Return the answer headers that every answer carries."""
    return [
        (b"x-modelops-revision", b"%d" % table.revision),
        (b"x-modelops-request-id", call.request_id.encode()),
    ]
