"""The gateway: one client request in, one answer out, every attempt recorded."""

from __future__ import annotations

from random import Random

from modelops.gateway.call import Call, Clock, Recorder, Reply
from modelops.gateway.table import RoutingTable
from modelops.gateway.upstream.client import Client


class Gateway:
    """Answers requests from one routing table after another.

    `table` may be replaced at any time: a request under way keeps the one it began with. Breakers
    and cooling outlive the table.
    """

    def __init__(
        self,
        table: RoutingTable,
        *,
        client: Client,
        recorder: Recorder,
        clock: Clock,
        random: Random,
    ) -> None:
        self.table = table
        self.client = client
        self.recorder = recorder
        self.clock = clock
        self.random = random

    async def answer(self, call: Call, reply: Reply) -> None:
        """Answer a request, errors included, in the caller's dialect.

        Cancelling the task ends the upstream call at once; its attempt is recorded all the same.
        """

    async def close(self) -> None:
        """Give back every upstream connection."""
        await self.client.close()
