"""uvicorn's HTTP protocol with bounds: the first thing a connection meets on the request road.

uvicorn takes request heads of any size and waits for ever for half of one. Here a head is at most
`HEAD_MAX` bytes and must arrive within `HEAD_TIMEOUT_S`; what breaks that, or is not HTTP, is
answered in JSON and closed. The timer runs only while a head is incomplete, so an ordinary
request, whose head comes in one piece, never sets it.
"""

from __future__ import annotations

import asyncio
from typing import cast

import httptools

from modelops.server.answering import AnsweringProtocol
from modelops.server.cycle import Cycle
from modelops.server.problems import dialect_of
from modelops.server.wire import closing_error

HEAD_MAX = 65_536
"""Bytes of request line and headers: nginx and Node allow 32 and 16 KiB, tool ids need some."""

HEAD_TIMEOUT_S = 10.0
"""Seconds for a whole request head, and for the first byte of a new connection."""


class BoundedProtocol(AnsweringProtocol):
    """One client connection, whose heads are bounded.

    What every request calls names the class it goes on to: `super()` costs three times as much.
    """

    url = b""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first head."""
        super().connection_made(transport)
        self._head_open = True
        self._head_begun = False
        self._head_size = 0
        self._piece = 0
        self._method = b""  # of a request that offers another protocol, until its head comes again
        self._head_timer: asyncio.TimerHandle | None = self.loop.call_later(
            HEAD_TIMEOUT_S, self._head_is_late
        )

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timer."""
        self._stop_head_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count what belongs to a head, parse, and time a head that is still incomplete."""
        if self.discarding_input:
            return
        self._piece = len(data)
        if self._head_open:
            self._head_size += self._piece
        self._idle = False
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError:
            self._refuse_head()
        except httptools.HttpParserUpgrade as upgrade:
            self._ignore_upgrade(memoryview(data)[upgrade.args[0] :])
        if self._head_open and (self._head_begun or self._head_size):
            self._watch_head()

    def _ignore_upgrade(self, rest: memoryview) -> None:
        """Serve a request that offers another protocol in this one (RFC 9110 7.8): Java's do.

        llhttp takes what follows such a head for the other protocol, so the head goes to a new
        parser without its offer, and the `rest` behind it.
        """
        while True:
            lines = [
                b"%b %b HTTP/%b"
                % (self._method, self.url, self.parser.get_http_version().encode()),
                *(b"%b: %b" % line for line in self.headers if line[0] != b"upgrade"),
            ]
            self.parser = httptools.HttpRequestParser(self)
            self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn's
            self._method = b""
            try:
                self.parser.feed_data(b"\r\n".join([*lines, b"", b""]))
                return self.parser.feed_data(rest)
            except httptools.HttpParserError:
                return self._refuse_head()
            except httptools.HttpParserUpgrade as upgrade:
                rest = rest[upgrade.args[0] :]

    def _watch_head(self) -> None:
        """Bound a head that is still incomplete."""
        if self.discarding_input:
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
        AnsweringProtocol.on_message_begin(self)

    def on_headers_complete(self) -> None:
        """End the head."""
        if self._head_size > HEAD_MAX and self._header_bytes() > HEAD_MAX:
            raise ValueError("head too large")  # stops the parser
        if self.parser.should_upgrade() and self.parser.get_method() != b"CONNECT":
            self._method = self.parser.get_method()
            return
        self._head_open = False
        if self._head_timer is not None:
            self._stop_head_timer()
        AnsweringProtocol.on_headers_complete(self)

    def on_message_complete(self) -> None:
        """Expect the next head, unless this one will come again."""
        if self._method:
            return
        self._head_open = True
        self._head_begun = False
        self._head_size = 0
        AnsweringProtocol.on_message_complete(self)

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
        self.discarding_input = True
        self._stop_head_timer()
        if self.transport.is_closing():
            return
        cycle = cast("Cycle | None", self.cycle)
        if cycle is not None and not cycle.response_complete:
            if not cycle.more_body:
                cycle.keep_alive = False  # which closes the connection behind its answer
                return
            if cycle.response_started or self._behind:
                self.transport.close()
                return
            cycle.disconnected = True  # whoever waits for its body need not answer
            cycle.message_event.set()
        dialect = dialect_of(self.url.decode("latin-1"), {})
        self.transport.write(closing_error(status, message, dialect))
        self.close_gracefully()
