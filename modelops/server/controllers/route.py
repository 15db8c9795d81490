"""`POST /api/route`: what a request with this name would run through just now, on this worker."""

from __future__ import annotations

from litestar import post
from litestar.exceptions import HTTPException
from litestar.params import JSONBody

from modelops.gateway.errors import GatewayError
from modelops.gateway.explain import Explanation, explain
from modelops.operations.route import RouteQuestion
from modelops.server.guard import caller_of
from modelops.server.parts import Parts
from modelops.server.problems import AnyRequest


@post("/route", status_code=200, opt={"agents": True})
async def route(request: AnyRequest, runtime: Parts, data: JSONBody[RouteQuestion]) -> Explanation:
    """Explain a choice, an agent's key its own; 404 when the name stands for nothing."""
    caller = caller_of(request)
    live = runtime.required()
    agent = caller.name if caller.kind == "agent" else data.agent
    if agent and agent not in live.agents:
        raise HTTPException(status_code=400, detail=f"there is no agent {agent[:64]!r}")
    try:
        return explain(
            live.table,
            data.model,
            agent=agent,
            prefer=data.prefer,
            endpoint=data.endpoint,
            input_tokens=data.input_tokens,
            health=runtime.gateway.services.health,
            now=runtime.clock.monotonic(),
        )
    except GatewayError as error:
        raise HTTPException(status_code=error.status, detail=error.message) from error
