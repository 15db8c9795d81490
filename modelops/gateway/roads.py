"""Roads through a routing table: what a name leads to, worked out once and remembered.

Requests of one agent for one name take the same road as long as a table is live, so names are
resolved and targets are looked at once per table and not once per request.
"""

from __future__ import annotations

import msgspec

from modelops.gateway.body import Body
from modelops.gateway.candidates import Candidate, Skip, turns
from modelops.gateway.resolve import resolve
from modelops.gateway.table import Agent, Chain, RoutingTable

KNOWN_MAX = 10_000
"""Roads that are remembered per table, about 1 KB each; others are worked out anew each time."""


class Road(msgspec.Struct, frozen=True):
    """A chain as one agent's requests meet it; `agent` None is nobody's."""

    chain: Chain
    agent: Agent | None
    turns: tuple[Candidate | Skip, ...]


class Roads:
    """The roads through one table. Only names that lead somewhere are remembered."""

    def __init__(self, table: RoutingTable) -> None:
        self.table = table
        self._known: dict[tuple[str, str, str, str, bool], Road] = {}

    def find(self, body: Body, agent: str, prefer: str) -> Road:
        """Return the road of a request; GatewayError (400, 403, 404) when there is none."""
        key = (body.endpoint, body.model, agent, prefer, body.stateful)
        road = self._known.get(key)
        if road is None:
            chain = resolve(self.table, body.model, agent, prefer)
            caller = self.table.agents.get(agent)
            found = turns(chain, body.endpoint, caller, one_provider=body.stateful)
            road = Road(chain, caller, found)
            if len(self._known) < KNOWN_MAX:
                self._known[key] = road
        return road
