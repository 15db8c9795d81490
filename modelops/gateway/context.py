"""What one request carries along the road: who asks, for what, through which chain, until when."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

import msgspec

from modelops.gateway.body import Body
from modelops.gateway.call import Call, Clock, Recorder, Reply
from modelops.gateway.caller import client_request_id, user_of
from modelops.gateway.credential import Credential
from modelops.gateway.health import Health
from modelops.gateway.table import Chain, RoutingTable, Step
from modelops.gateway.upstream.client import Client
from modelops.metering.attempt import Attempt
from modelops.resources.resolved import Parameters

TRAIL_MAX = 2000
"""Characters of the header that lists the attempts."""


class Tools:
    """What the gateway was handed, and its health: the same for every request."""

    __slots__ = ("client", "clock", "health", "random", "recorder")

    def __init__(self, client: Client, recorder: Recorder, clock: Clock, random: Random) -> None:
        self.client = client
        self.recorder = recorder
        self.clock = clock
        self.random = random
        self.health = Health()


class Context:
    """One request. `trail` tells the story of its attempts, `number` counts them.

    `deadline` is in monotonic seconds. Failed attempts wait in `pending` until it is known whether
    another follows: only the last row of a request is final.
    """

    __slots__ = (
        "_credentials",
        "body",
        "call",
        "chain",
        "client_request_id",
        "deadline",
        "number",
        "parameters",
        "pending",
        "reply",
        "table",
        "tools",
        "trail",
        "user",
    )

    def __init__(
        self, tools: Tools, table: RoutingTable, call: Call, body: Body, chain: Chain, reply: Reply
    ) -> None:
        self.tools = tools
        self.table = table
        self.call = call
        self.body = body
        self.chain = chain
        self.reply = reply
        self.user = user_of(call, body)
        self.client_request_id = client_request_id(call)
        self.deadline = tools.clock.monotonic() + chain.deadline
        self.number = 0
        self.trail: list[str] = []
        self.pending: Attempt | None = None
        agent = table.agents.get(call.agent)
        self.parameters: Parameters | None = agent.parameters if agent else None
        self._credentials: Mapping[str, Credential] = agent.credentials if agent else {}

    def credential(self, step: Step) -> Credential:
        """Return what a target is called with: the agent's own credential, else the provider's."""
        provider = step.target.provider
        return self._credentials.get(provider.name) or provider.credential

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
