"""The data plane: what applications call, as bare handlers of a request on the hot path.

An ordinary Litestar handler costs three times as much, so these do themselves what it would do:
methods, body, errors. Nothing here awaits the database, and no exception leaves a handler: once
an answer has begun, only the gateway can end it in the caller's protocol.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Mapping

import msgspec
from litestar.enums import ScopeType
from litestar.handlers import ASGIRouteHandler, asgi
from litestar.types import Receive, Scope, Send

from modelops.gateway.call import REQUEST_ID, Call, Dialect, Endpoint, Headers
from modelops.gateway.errors import GatewayError, error_body
from modelops.gateway.gateway import Gateway
from modelops.gateway.ids import new_id
from modelops.server.access import AccessError, data_plane_caller
from modelops.server.body import BodyError, ClientGoneError, body_at_hand, read_body
from modelops.server.body_budget import Reservation
from modelops.server.cycle import Cycle, Handler, take_cycle
from modelops.server.problems import server_error
from modelops.server.reply import ConnectionReply
from modelops.server.runtime import Runtime
from modelops.server.telemetry import Telemetry

logger = logging.getLogger(__name__)


class Route(msgspec.Struct, frozen=True):
    """A path applications post to, and the dialect in which it refuses."""

    endpoint: Endpoint
    dialect: Dialect


ROUTES = (
    Route("/v1/chat/completions", "openai"),
    Route("/v1/responses", "openai"),
    Route("/v1/embeddings", "openai"),
    Route("/v1/messages", "anthropic"),
    Route("/v1/messages/count_tokens", "anthropic"),
)


def data_plane(runtime: Runtime) -> dict[str, Handler]:
    """Return the handlers of all routes by path."""
    return {route.endpoint: _handler(runtime, route) for route in ROUTES}


def as_asgi(path: str, handler: Handler) -> ASGIRouteHandler:
    """Return a handler for Litestar's routing, which also knows other spellings of its path."""

    @asgi(path=path, name=path, copy_scope=False)
    async def handle(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.HTTP:
            await handler(take_cycle(scope))

    return handle


def _handler(runtime: Runtime, route: Route) -> Handler:
    async def handle(cycle: Cycle) -> None:
        reservation = Reservation(runtime.body_budget)
        reply = ConnectionReply(cycle)
        now_us = runtime.clock.unix_us()
        request_id, agent = new_id(now_us, runtime.random), ""
        refusal: GatewayError | None = None
        try:
            headers, agent = _admit(runtime, route, cycle, now_us)
            body = body_at_hand(cycle, reservation)
            if body is None:
                body = await read_body(headers, cycle.receive, reservation)
            call = Call(
                endpoint=route.endpoint,
                dialect=route.dialect,
                body=body,
                headers=headers,
                agent=agent,
                request_id=request_id,
                received_at_us=now_us,
            )
            connection = cycle.connection
            connection.cancel_on_disconnect = True
            begun = runtime.clock.monotonic()  # how long an upload took is its sender's to say
            try:
                await _answer(runtime, call, reply)
            finally:
                connection.cancel_on_disconnect = False
                took_s = runtime.clock.monotonic() - begun
                runtime.observer.ended(request_id, int(took_s * 1_000_000))
        except ClientGoneError:
            pass
        except (AccessError, BodyError) as error:
            refusal = server_error(error.status, error.message, *error.headers)
        except GatewayError as error:
            refusal = error
        except asyncio.CancelledError:
            # The client left, or the server has waited long enough for this request. The task is
            # its connection's, which ends with it: nobody needs a traceback for each.
            refusal = server_error(503, "the server is shutting down; try again")
        except Exception:
            about = {"request_id": request_id, "agent": agent}
            logger.exception("a request to %s failed", route.endpoint, extra=about)
            refusal = server_error(500, "the server failed; its log says why")
        finally:
            reservation.release()
        if refusal is not None and not reply.started and not cycle.disconnected:
            runtime.observer.refused(refusal.code)
            _refuse(reply, route.dialect, refusal, request_id)

    return handle


def _admit(
    runtime: Runtime, route: Route, cycle: Cycle, now_us: int
) -> tuple[Mapping[bytes, bytes], str]:
    """Return the headers of a request, and the agent that sent it.

    AccessError when it is not to be answered.
    """
    if cycle.method != b"POST":
        if any(name == b"sec-websocket-key" for name, _ in cycle.headers):
            # Codex goes on with POST at once; any other status it takes for a fault that passes.
            raise AccessError(426, "websockets are not served: use POST", HTTP_1)
        raise AccessError(405, f"{route.endpoint} takes POST", ALLOW_POST)
    if runtime.on_wrong_listener(cycle.connection.server, admin=False):
        raise AccessError(404, "this address serves /api and /metrics alone")
    live = runtime.live
    if live is None or not live.head.revision:
        raise AccessError(503, runtime.nothing_served())
    headers: Mapping[bytes, bytes] = dict(cycle.headers)
    if len(headers) != len(cycle.headers):
        headers = _joined(cycle.headers)
    client = cycle.connection.client
    caller = data_plane_caller(live.keyring, headers, client, live.agents, now_us / 1_000_000)
    if b"content-encoding" in headers or b"transfer-encoding" in headers:
        _refuse_encodings(headers)
    return headers, caller.name


def _refuse_encodings(headers: Mapping[bytes, bytes]) -> None:
    """AccessError for a body that is not sent as it is, which nobody here would unpack."""
    encoding = headers.get(b"content-encoding", b"").lower() or b"identity"
    if encoding != b"identity":
        said = f"the body's content-encoding is {encoding.decode('latin-1')[:64]!r}"
        raise AccessError(415, f"{said}: send it without", (b"accept-encoding", b"identity"))
    coding = headers.get(b"transfer-encoding", b"chunked").lower()
    if coding != b"chunked":
        said = f"the transfer-encoding is {coding.decode('latin-1')[:64]!r}"
        raise AccessError(400, f"{said}: send the body chunked, or with a content-length")


def _joined(lines: Headers) -> Mapping[bytes, bytes]:
    """Return headers of which some stand in several lines, as one list each (RFC 9110 5.3)."""
    values: dict[bytes, dict[bytes, None]] = {}
    for name, value in lines:
        values.setdefault(name, {})[value] = None
    return {name: b", ".join(listed) for name, listed in values.items()}


def _answer(runtime: Runtime, call: Call, reply: ConnectionReply) -> Coroutine[None, None, None]:
    """Have the gateway answer."""
    if runtime.telemetry is None:
        return runtime.gateway.answer(call, reply)
    return _traced(runtime.telemetry, runtime.gateway, call, reply)


async def _traced(
    telemetry: Telemetry, gateway: Gateway, call: Call, reply: ConnectionReply
) -> None:
    with telemetry.request(call):
        await gateway.answer(call, reply)


ALLOW_POST = (b"allow", b"POST")
HTTP_1 = (b"upgrade", b"HTTP/1.1")
JSON = (b"content-type", b"application/json")


def _refuse(reply: ConnectionReply, dialect: Dialect, error: GatewayError, request_id: str) -> None:
    """Answer an error before the gateway; the rest of the body is not waited for."""
    named = [
        (name, request_id.encode()) for name in (b"x-modelops-request-id", REQUEST_ID[dialect])
    ]
    body = error_body(dialect, error, request_id)
    reply.refuse(error.status, [JSON, *named, *error.headers], body)
