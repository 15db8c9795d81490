"""What one request carries on its way: who asks, for what, through which chain, until when."""

from __future__ import annotations

from random import Random

import msgspec

from modelops.gateway.body import Body
from modelops.gateway.call import Call, Clock, Recorder, Reply
from modelops.gateway.caller import client_request_id, user_of
from modelops.gateway.candidates import Candidate
from modelops.gateway.health import Health
from modelops.gateway.routes import Route
from modelops.gateway.slots import Slots
from modelops.gateway.table import RoutingTable
from modelops.gateway.upstream.client import Client
from modelops.metering.attempt import Attempt

TRAIL_MAX = 2000
"""Characters of the header that lists the attempts."""

MOMENT = 0.05
"""Seconds by which the event loop's timers may ring before the deadline that set them."""


class Services:
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

    `sent` is the body as it was last made fit for a target: `body` itself, or a copy.
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
        "route",
        "sent",
        "services",
        "table",
        "trail",
        "user",
    )

    def __init__(
        self,
        services: Services,
        table: RoutingTable,
        call: Call,
        body: Body,
        route: Route,
        reply: Reply,
    ) -> None:
        self.services = services
        self.table = table
        self.call = call
        self.body = self.sent = body
        self.route = route
        self.chain = chain = route.chain
        self.reply = reply
        self.user = user_of(call, body.fields)
        self.client_request_id = client_request_id(call)
        self.deadline = services.clock.monotonic() + chain.deadline
        self.number = 0
        self.trail: list[str] = []
        self.pending: Attempt | None = None

    def left(self) -> float:
        """Return the seconds until the deadline."""
        return self.deadline - self.services.clock.monotonic()

    def record_pending(self, *, final: bool) -> None:
        """Record the failed attempt that waited, if one did."""
        if self.pending is not None:
            attempt, self.pending = self.pending, None
            self.services.recorder.record(
                msgspec.structs.replace(attempt, final=True) if final else attempt
            )

    def head(self, candidate: Candidate | None = None) -> bytes:
        """Return the header lines that say how an answer came, and from which candidate."""
        head = base_lines(self.call, self.table)
        if self.trail:
            trail = ", ".join(self.trail)[:TRAIL_MAX].encode("ascii", "replace")
            head = b"%bx-modelops-attempts: %b\r\n" % (head, trail)
        return head + candidate.lines if candidate is not None else head


def base_lines(call: Call, table: RoutingTable) -> bytes:
    """Return the header lines that every answer carries."""
    return b"x-modelops-revision: %d\r\nx-modelops-request-id: %b\r\n" % (
        table.revision,
        call.request_id.encode(),
    )
