"""One client connection: its requests are answered one after another, by one task.

uvicorn makes a task for each request, and a timer that closes the connection when no further one
comes, which the next cancels. Both outlive a request here: the task waits for the next one, the
timer runs on and is moved when it rings too early. Together that is 5 us of CPU a request.

Whom the application names in `direct` for a path is handed the request itself. It knows its
connection, which knows at once what ASGI tells only to who waits for it: that the client left.
"""

from __future__ import annotations

import asyncio
import fcntl
import math
import sys
import termios
from collections import deque
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, cast
from urllib.parse import unquote

import httptools
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from modelops.server.cycle import Cycle, Handler

KEEP_ALIVE_S = 75
"""Seconds an idle connection is kept: longer than clients keep theirs (5 to 60), so that they
close first and no request meets a closing connection; nginx's default."""

LINGER_S = 2.0
"""Seconds of `close_gracefully`, in which what a client still sends is read and dropped."""

STALL_S = 60.0
"""Seconds in which a client must take something of an answer that waits for it: nginx's default."""

_DROPPED: Any = deque(maxlen=0)


class AnsweringProtocol(HttpToolsProtocol):
    """Takes requests and has them answered.

    `cancel_on_disconnect`: whoever answers is to be cancelled when the client leaves.
    `discarding_input`: what still comes is dropped.
    """

    cancel_on_disconnect = False
    discarding_input = False
    cycle: Cycle

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first request."""
        super().connection_made(transport)
        self._direct: Mapping[str, Handler] = getattr(self.app, "direct", {})
        self._asked: deque[Cycle] = deque()
        self._behind: deque[Cycle] = deque()
        self._under_way: Cycle | None = None
        self._task: asyncio.Task[None] | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._idle = False
        self._idle_since = 0.0
        self._idle_timer: asyncio.TimerHandle | None = None
        self._linger_timer: asyncio.TimerHandle | None = None
        self._stall_timer: asyncio.TimerHandle | None = None

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timers, and end the task."""
        for timer in (self._idle_timer, self._linger_timer, self._stall_timer):
            if timer is not None:
                timer.cancel()
        self._idle_timer = self._linger_timer = self._stall_timer = None
        super().connection_lost(exc)
        self._wake()
        if (
            self._task is not None
            and self.cancel_on_disconnect
            and not self.cycle.response_complete
        ):
            self._task.cancel()
        asked = self._under_way  # uvicorn tells only the last request that came
        if asked is not None and not asked.response_complete:
            asked.disconnected = True
            asked.message_event.set()
        self._behind.clear()
        # What refers to this connection would otherwise wait for the garbage collector with it.
        self._task = self._under_way = None
        self.cycle = None  # type: ignore[assignment]

    def on_message_begin(self) -> None:
        """Begin a head."""
        self.url = b""
        self.headers = []

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header."""
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """Have a request answered, behind those before it."""
        http_version = self.parser.get_http_version()
        keep_alive = http_version != "1.0" and self.parser.should_keep_alive()
        before: Cycle | None = self.cycle
        self.cycle = cycle = Cycle(self, *_split(self.url), http_version, keep_alive=keep_alive)
        self.headers = _DROPPED  # trailers are no headers (RFC 9110 6.5.1)
        if before is None or before.response_complete:
            self._ask(cycle)
        else:
            self.flow.pause_reading()
            self._behind.append(cycle)

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body."""
        cycle = self.cycle
        if cycle.response_complete:
            return
        cycle.body += body
        if len(cycle.body) > HIGH_WATER_LIMIT:
            self.flow.pause_reading()
        cycle.message_event.set()

    def on_message_complete(self) -> None:
        """Note that the body is whole."""
        cycle = self.cycle
        if not cycle.response_complete:
            cycle.more_body = False
            cycle.message_event.set()

    def _ask(self, cycle: Cycle) -> None:
        """Have a request answered."""
        self._under_way = cycle
        self._asked.append(cycle)
        if self._task is None or self._task.done():
            self._task = self.loop.create_task(self._answer())
        else:
            self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def _answer(self) -> None:
        """Serve requests one after another until the connection closes."""
        task = self._task
        while task is not None:
            while self._asked:
                self.tasks.add(task)
                cycle = self._asked.popleft()
                handler = self._direct.get(cycle.path)
                try:
                    await (handler(cycle) if handler else cycle.run_asgi(self.app))
                finally:
                    self.tasks.discard(task)
                    if not (cycle.response_complete or cycle.disconnected):
                        self.transport.close()
            if task is not self._task:  # the connection ended meanwhile
                return
            self._waiter = self.loop.create_future()
            await self._waiter
            self._waiter = None

    def on_response_complete(self) -> None:
        """Go on with the next request, or wait for one."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self._behind:
            self._ask(self._behind.popleft())
            return
        if self.discarding_input:
            return
        self._idle = True
        self._idle_since = self.loop.time()
        if self._idle_timer is None:
            self._idle_timer = self.loop.call_later(KEEP_ALIVE_S, self._idle_over)

    def close_gracefully(self) -> None:
        """Close the connection; where a request was not read whole, once its client stops sending.

        Bytes that nobody has read make the kernel reset a connection that is closed, and the answer
        can be lost with it (nginx has `lingering_close` for that).
        """
        transport = self.transport
        cycle = cast("Cycle | None", self.cycle)
        unread = self.discarding_input or cycle is None or cycle.more_body
        if not unread or not transport.can_write_eof():
            transport.close()
        elif not transport.is_closing():
            self.discarding_input = True
            self._behind.clear()
            self.flow.resume_reading()
            transport.write_eof()
            self._linger_timer = self.loop.call_later(LINGER_S, transport.close)

    def pause_writing(self) -> None:
        """Have answers wait for the client, and watch that it goes on reading."""
        super().pause_writing()
        self._watch_reader()

    def resume_writing(self) -> None:
        """Go on with an answer."""
        super().resume_writing()
        if self._stall_timer is not None:
            self._stall_timer.cancel()
            self._stall_timer = None

    def _watch_reader(self, before: float = math.inf) -> None:
        """End a connection of whose `before` waiting bytes none was taken, at once or later.

        Its answer would hold a provider's place, and the connection its memory, for ever.
        """
        waiting = self.transport.get_write_buffer_size() + _unsent(self.transport)
        if waiting < before:
            self._stall_timer = self.loop.call_later(STALL_S, self._watch_reader, waiting)
        else:
            self.transport.abort()

    def _idle_over(self) -> None:
        """Close a connection that was idle for long; one that was used meanwhile waits anew."""
        self._idle_timer = None
        if not self._idle:
            return
        left = self._idle_since + KEEP_ALIVE_S - self.loop.time()
        if left > 0:
            self._idle_timer = self.loop.call_later(left, self._idle_over)
        else:
            self.transport.close()


def _unsent(transport: asyncio.Transport) -> int:
    """Return the bytes that the kernel holds for a client.

    It asks for more only once a third of its buffer is free, which takes a slow client minutes.
    """
    connection = transport.get_extra_info("socket")
    try:
        held = fcntl.ioctl(connection.fileno(), termios.TIOCOUTQ, bytes(4))
    except OSError:  # not every system says so of a socket
        return 0
    return int.from_bytes(held, sys.byteorder)


@lru_cache(256)
def _split(url: bytes) -> tuple[str, tuple[bytes, bytes]]:
    """Return the path, and path and query as they were sent; httptools' error if malformed."""
    parsed = httptools.parse_url(url)
    path = parsed.path.decode("ascii")
    return (unquote(path) if "%" in path else path), (parsed.path, parsed.query or b"")
