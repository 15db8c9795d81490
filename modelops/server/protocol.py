"""uvicorn's HTTP protocol with bounds: the first thing a connection meets on the request road.

uvicorn takes request heads of any size and waits for ever for half of one. Here a head is at most
`HEAD_MAX` bytes and must arrive within `HEAD_TIMEOUT_S`; what breaks that, or is not HTTP, is
answered in JSON and closed. The timer runs only while a head is incomplete, so an ordinary
request, whose head comes in one piece, never sets it. Nor does it set the one for idle connections,
which uvicorn makes and cancels for every request: it runs on, and is moved when it rings too early.

The protocol also stands in the scope of each request (`connection_of`), because it knows at once
what ASGI tells only to who waits for it: that the client left. So does uvicorn's own state of the
request (`take_cycle`), which knows whether the body is already here and how to answer.
"""

from __future__ import annotations

import asyncio
from collections import deque
from functools import lru_cache
from typing import Any, cast
from urllib.parse import unquote

import httptools
from litestar.types import HTTPScope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from modelops.server.problems import dialect_of
from modelops.server.wire import closing_error

HEAD_MAX = 65_536
"""Bytes of request line and headers: nginx and Node allow 32 and 16 KiB, tool ids need some."""

HEAD_TIMEOUT_S = 10.0
"""Seconds for a whole request head, and for the first byte of a new connection."""

KEEP_ALIVE_S = 75
"""Seconds an idle connection is kept: longer than clients keep theirs (5 to 60), so that they
close first and no request meets a closing connection; nginx's default."""


CONNECTION = "modelops.connection"
CYCLE = "modelops.cycle"


class BoundedProtocol(HttpToolsProtocol):
    """One client connection, whose requests are answered one after another by one task.

    A task for each would cost 3 us. `answering` says that it is to be cancelled when the client
    leaves.
    """

    answering = False
    url = b""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first head."""
        super().connection_made(transport)
        self._asked: deque[RequestResponseCycle] = deque()
        self._task: asyncio.Task[None] | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._head_open = True
        self._head_begun = False
        self._head_size = 0
        self._piece = 0
        self._refused = False
        self._idle = False
        self._idle_since = 0.0
        self._idle_timer: asyncio.TimerHandle | None = None
        self._head_timer: asyncio.TimerHandle | None = self.loop.call_later(
            HEAD_TIMEOUT_S, self._head_is_late
        )

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timers, and tell who answers a request."""
        self._stop_head_timer()
        if self._idle_timer is not None:
            self._idle_timer.cancel()
            self._idle_timer = None
        super().connection_lost(exc)
        if self._waiter is not None:
            self._waiter.cancel()
        elif self._task is not None and self.answering and not self.cycle.response_complete:
            self._task.cancel()

    def data_received(self, data: bytes) -> None:
        """Count what belongs to a head, parse, and time a head that is still incomplete."""
        if self._refused:
            return
        self._piece = len(data)
        if self._head_open:
            self._head_size += self._piece
        self._idle = False
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError:
            self._refuse_head()
        except httptools.HttpParserUpgrade:
            self._unsupported_upgrade_warning()
        if self._head_open and (self._head_begun or self._head_size):
            self._watch_head()

    def _watch_head(self) -> None:
        """Bound a head that is still incomplete."""
        if self._refused:
            return
        if self._head_size > HEAD_MAX:
            # One endless header never reaches on_header, so it is caught here.
            self._refuse(431, "the request head is larger than 64 KiB")
        elif self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_TIMEOUT_S, self._head_is_late)

    def on_message_begin(self) -> None:
        """Begin a head."""
        self._head_begun = True
        self._head_size = self._piece  # at most: the piece may hold more than this head
        self.url = b""
        self.expect_100_continue = False
        self.headers = []

    def on_headers_complete(self) -> None:
        """End the head and have the request answered, as uvicorn does, behind those before it."""
        if self._head_size > HEAD_MAX and self._header_bytes() > HEAD_MAX:
            raise ValueError("head too large")  # stops the parser
        self._head_open = False
        self._stop_head_timer()
        http_version = self.parser.get_http_version()
        path, raw_path, query = _split(self.url)
        extensions: dict[str, object] = {CONNECTION: self}
        self.scope = scope = cast(
            "Any",
            {
                "type": "http",
                "asgi": {"version": self.asgi_version, "spec_version": "2.3"},
                "http_version": http_version,
                "server": self.server,
                "client": self.client,
                "scheme": self.scheme,
                "method": self.parser.get_method().decode("ascii"),
                "root_path": "",
                "path": path,
                "raw_path": raw_path,
                "query_string": query,
                "headers": self.headers,
                "state": {},
                "extensions": extensions,
            },
        )
        before = cast("RequestResponseCycle | None", self.cycle)
        self.cycle = extensions[CYCLE] = cycle = RequestResponseCycle(
            scope=scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=self.access_log,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=http_version != "1.0" and self.parser.should_keep_alive(),
            on_response=self.on_response_complete,
        )
        if before is None or before.response_complete:
            self._ask(cycle)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((cycle, self.app))

    def _ask(self, cycle: RequestResponseCycle) -> None:
        """Have a request answered."""
        self._asked.append(cycle)
        if self._task is None:
            self._task = self.loop.create_task(self._answer())
        elif self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def _answer(self) -> None:
        """Answer requests until the connection ends; uvicorn waits for those under way."""
        task = cast("asyncio.Task[None]", self._task)
        while not self.transport.is_closing():
            while self._asked:
                self.tasks.add(task)
                try:
                    await self._asked.popleft().run_asgi(self.app)
                finally:
                    self.tasks.discard(task)
            self._waiter = self.loop.create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None

    def on_message_complete(self) -> None:
        """Expect the next head."""
        self._head_open = True
        self._head_begun = False
        self._head_size = 0
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Go on with the next request, or wait for one."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._ask(self.pipeline.pop()[0])
            return
        self._idle = True
        self._idle_since = self.loop.time()
        if self._idle_timer is None:
            self._idle_timer = self.loop.call_later(KEEP_ALIVE_S, self._idle_over)

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

    def _refuse_head(self) -> None:
        """Answer what is not HTTP, or a head that is too large."""
        if self._header_bytes() > HEAD_MAX:
            self._refuse(431, "the request head is larger than 64 KiB")
        else:
            self._refuse(400, "this is not a well-formed HTTP/1.1 request")

    def _header_bytes(self) -> int:
        """Return the size of the head so far, without what came behind it in the same piece."""
        lines = sum(len(name) + len(value) + 4 for name, value in self.headers or ())
        return len(self.url) + lines

    def _head_is_late(self) -> None:
        self._head_timer = None
        if self._head_begun:
            self._refuse(408, "the request head did not arrive within 10 seconds")
        elif not self.transport.is_closing():
            self.transport.close()  # nothing was asked, so nothing is answered

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _refuse(self, status: int, message: str) -> None:
        """Read no more, and say why once those who asked properly have their answers."""
        self._refused = True
        self._stop_head_timer()
        if self.transport.is_closing():
            return
        cycle = cast("RequestResponseCycle | None", self.cycle)
        if cycle is not None and not cycle.response_complete:
            if not cycle.more_body:
                cycle.keep_alive = False  # which closes the connection behind its answer
                return
            if cycle.response_started or self.pipeline:
                self.transport.close()
                return
        dialect = dialect_of(self.url.decode("latin-1"), {})
        self.transport.write(closing_error(status, message, dialect))
        self.transport.close()


@lru_cache(256)
def _split(url: bytes) -> tuple[str, bytes, bytes]:
    """Return path, path as it was sent, and query; an error of httptools where it is malformed."""
    parsed = httptools.parse_url(url)
    path = parsed.path.decode("ascii")
    return (unquote(path) if "%" in path else path), parsed.path, parsed.query or b""


def connection_of(scope: HTTPScope) -> BoundedProtocol:
    """Return the connection a request came over."""
    return cast("BoundedProtocol", scope["extensions"][CONNECTION])  # type: ignore[index]


def take_cycle(scope: HTTPScope) -> RequestResponseCycle:
    """Return uvicorn's state of a request, once.

    It holds the scope, so left in there it would keep both until the collector comes by.
    """
    return cast("RequestResponseCycle", scope["extensions"].pop(CYCLE))  # type: ignore[union-attr]
