"""Routes through a routing table: what a name leads to, worked out once and remembered.

Requests of one agent for one name take the same route as long as a table is live, so names are
resolved and targets are looked at once per table and not once per request.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from modelops.gateway.body import Body
from modelops.gateway.call import Endpoint
from modelops.gateway.candidates import Candidate, Skip, plan_targets
from modelops.gateway.resolve import resolve
from modelops.gateway.table import Agent, Chain, RoutingTable
from modelops.metering.attempt import Attempt

CACHED_MAX = 10_000
"""Routes remembered per table, about 1 KB each; others are worked out anew each time."""


class Route(msgspec.Struct, frozen=True):
    """A chain as one agent's requests meet it; `agent` None is nobody's.

    `rows` holds, by position, what the rows of all calls to a candidate have in common.
    """

    chain: Chain
    agent: Agent | None
    targets: tuple[Candidate | Skip, ...]
    rows: Mapping[int, Attempt]


class RouteCache:
    """The routes through one table. Only names that lead somewhere are remembered."""

    def __init__(self, table: RoutingTable) -> None:
        self.table = table
        self._cached: dict[tuple[str, str, str, str, bool], Route] = {}

    def find(self, body: Body, agent: str, prefer: str) -> Route:
        """Return the route of a request; GatewayError (400, 403, 404) when there is none."""
        key = (body.endpoint, body.model, agent, prefer, body.stateful)
        route = self._cached.get(key)
        if route is None:
            chain = resolve(self.table, body.model, agent, prefer)
            caller = self.table.agents.get(agent)
            found = plan_targets(chain, body.endpoint, caller, one_provider=body.stateful)
            rows = {
                planned.position: _row(planned, chain, body.endpoint, agent, self.table.revision)
                for planned in found
                if isinstance(planned, Candidate)
            }
            route = Route(chain, caller, found, rows)
            if len(self._cached) < CACHED_MAX:
                self._cached[key] = route
        return route


def _row(
    candidate: Candidate, chain: Chain, endpoint: Endpoint, agent: str, revision: int
) -> Attempt:
    """Return the row of a call to a candidate, as far as it is the same for every call."""
    target = candidate.step.target
    return Attempt(
        attempt_id="",
        request_id="",
        started_at_us=0,
        revision=revision,
        agent=agent,
        chain=chain.name,
        position=candidate.position,
        number=0,
        provider=target.provider.name,
        model=target.model,
        endpoint=endpoint,
        protocol=target.provider.protocol,
        outcome="interrupted",
        final=True,
        simulated=target.provider.simulated,
    )
