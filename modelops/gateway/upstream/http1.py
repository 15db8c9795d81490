"""The program's own upstream client: connections kept alive in one pool per origin."""

from __future__ import annotations

import asyncio
import ssl
from collections import defaultdict

from modelops.gateway.upstream.connect import connect, tls_context
from modelops.gateway.upstream.connection import Connection
from modelops.gateway.upstream.errors import ResetError
from modelops.gateway.upstream.exchange import Exchange
from modelops.gateway.upstream.names import Names
from modelops.gateway.upstream.request import Origin, Request

CONNECT_TIMEOUT = 10.0
"""Seconds for name look-up, TCP and TLS together."""

IDLE_MAX = 256
"""Connections to one origin that are kept for later."""

IDLE_SECONDS = 30.0
"""How long they are kept: shorter than the servers' and balancers' own bounds (60 s and more)."""


class Http1Client:
    """Implements `client.Client`. Made inside a running event loop."""

    def __init__(
        self,
        *,
        tls: ssl.SSLContext | None = None,
        connect_timeout: float = CONNECT_TIMEOUT,
    ) -> None:
        self._tls = tls or tls_context()
        self._connect_timeout = connect_timeout
        self._loop = asyncio.get_running_loop()
        self._names = Names()
        self._idle: dict[Origin, list[Connection]] = defaultdict(list)
        self._open: set[Connection] = set()
        self._sweeper: asyncio.TimerHandle | None = None

    async def send(self, request: Request, wait: float) -> Exchange:
        """Send a request; see `client.Client`.

        A kept connection may have died unseen. When it ends before a byte came back, the request
        is sent once more on a new one, which is not a failure of the provider.
        """
        end = self._loop.time() + wait
        idle = self._idle[request.origin]
        if idle:
            try:
                return await idle.pop().exchange(request, wait)
            except ResetError:
                pass
        limit = min(end - self._loop.time(), self._connect_timeout)
        connection = await connect(
            lambda: self._connection(request.origin),
            self._names,
            request.origin,
            self._tls,
            limit,
        )
        self._open.add(connection)
        return await connection.exchange(request, end - self._loop.time())

    async def close(self) -> None:
        """End every connection, those under way included."""
        if self._sweeper is not None:
            self._sweeper.cancel()
            self._sweeper = None
        for connection in tuple(self._open):
            connection.abort()
        self._open.clear()
        self._idle.clear()
        await asyncio.sleep(0)  # one turn of the loop, in which the transports let go

    def _connection(self, origin: Origin) -> Connection:
        def keep(connection: Connection) -> None:
            idle = self._idle[origin]
            if len(idle) >= IDLE_MAX:
                connection.abort()
                return
            connection.idle_since = self._loop.time()
            idle.append(connection)
            if self._sweeper is None:
                self._sweeper = self._loop.call_later(IDLE_SECONDS, self._sweep)

        def forget(connection: Connection) -> None:
            self._open.discard(connection)
            idle = self._idle.get(origin)
            if idle and connection in idle:
                idle.remove(connection)

        return Connection(keep, forget)

    def _sweep(self) -> None:
        """End the connections that nobody took for too long; look again while any is kept."""
        self._sweeper = None
        oldest = self._loop.time() - IDLE_SECONDS
        for idle in self._idle.values():
            for connection in [kept for kept in idle if kept.idle_since <= oldest]:
                idle.remove(connection)
                connection.abort()
        if any(self._idle.values()):
            self._sweeper = self._loop.call_later(IDLE_SECONDS / 2, self._sweep)
