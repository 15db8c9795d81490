"""The gateway: one client request in, one answer out, every attempt recorded."""

from __future__ import annotations

from random import Random

import msgspec

from modelops.gateway.attempt_recorder import refused_row
from modelops.gateway.body import Body
from modelops.gateway.call import REQUEST_ID, Call, Clock, Recorder, Reply, header_lines
from modelops.gateway.context import Context, Services, base_lines
from modelops.gateway.errors import NOT_JSON, GatewayError, error_body
from modelops.gateway.failover import CallerFaultError, Failover
from modelops.gateway.routes import RouteCache
from modelops.gateway.table import RoutingTable
from modelops.gateway.upstream.client import Client

_JSON = (b"content-type", b"application/json")
_UNMETERED = (
    "the books take no row any more, and no request may go without one here (metering: required)"
)


class Gateway:
    """Answers requests from one routing table after another.

    `table` may be replaced at any time: a request under way keeps the one it began with. Breakers
    and cooling outlive the table. Limits are shared out between `workers` gateways.
    """

    def __init__(
        self,
        table: RoutingTable,
        *,
        client: Client,
        recorder: Recorder,
        clock: Clock,
        random: Random,
        workers: int = 1,
    ) -> None:
        self._routes = RouteCache(table)
        self.services = Services(client, recorder, clock, random, workers)

    @property
    def table(self) -> RoutingTable:
        """The table that new requests are answered from."""
        return self._routes.table

    @table.setter
    def table(self, table: RoutingTable) -> None:
        self._routes = RouteCache(table)

    async def answer(self, call: Call, reply: Reply) -> None:
        """Answer a request, errors included, in the caller's dialect.

        Cancelling the task ends the upstream call at once; its attempt is recorded all the same.
        Raises GatewayError for a request that is not answered because no row can be written of it.
        """
        routes = self._routes
        table = routes.table
        if table.metering == "required" and self.services.recorder.full:
            raise GatewayError(503, "books_full", _UNMETERED)
        try:
            body = Body(call.endpoint, call.body, call.received_at_us)
            prefer = call.headers.get(b"x-modelops-prefer", b"").decode("latin-1")
            route = routes.find(body, call.agent, prefer)
        except GatewayError as error:
            self.services.recorder.record(refused_row(self.services, call, table.revision, error))
            content = error_body(call.dialect, error, call.request_id)
            _reply(call, reply, base_lines(call, table), error, content)
            return
        context = Context(self.services, table, call, body, route, reply)
        try:
            await Failover(context).run()
        except GatewayError as error:
            if context.pending is None:
                row = refused_row(self.services, call, table.revision, error, context)
                self.services.recorder.record(row)
            context.record_pending(final=True)
            content = error_body(call.dialect, error, call.request_id)
            _reply(call, reply, context.head(), error, content)
        except CallerFaultError as fault:
            context.record_pending(final=True)
            _reply(call, reply, context.head(), *_caller_error(call, fault))
        finally:
            context.record_pending(final=True)

    async def close(self) -> None:
        """Give back every upstream connection."""
        await self.services.client.close()


def _reply(call: Call, reply: Reply, head: bytes, error: GatewayError, content: bytes) -> None:
    named = (REQUEST_ID[call.dialect], call.request_id.encode())
    head += header_lines([*error.headers, named, _JSON])
    reply.start(error.status, head, len(content))
    reply.finish(content)


def _caller_error(call: Call, fault: CallerFaultError) -> tuple[GatewayError, bytes]:
    """Return a provider's error answer, unchanged where the caller speaks the same protocol."""
    failure = fault.failure
    status = failure.status if failure.status >= 400 else 400
    error = GatewayError(status, failure.code or "invalid_request", failure.message)
    if fault.native and status == failure.status and _is_object(failure.body):
        return error, failure.body
    return error, error_body(call.dialect, error, call.request_id)


def _is_object(content: bytes) -> bool:
    try:
        return isinstance(msgspec.json.decode(content), dict)
    except NOT_JSON:
        return False
