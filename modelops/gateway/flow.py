"""Passes on a committed stream: each piece in the event-loop turn in which it arrived.

The task that answers the request sleeps meanwhile. Waking it for each event would cost more than
everything else done with one.
"""

from __future__ import annotations

from collections.abc import Callable

from modelops.gateway.protocols.adapter import StreamReader


class Flow:
    """Takes pieces from the provider and gives what the client is to see of them.

    `ended`: nothing more is to be taken. `rest` is what the client then still gets, once the row
    is written. `hide` takes the key out of an error event that passes.
    """

    __slots__ = ("_hide", "_reader", "_send", "ended", "rest")

    def __init__(
        self,
        reader: StreamReader,
        send: Callable[[bytes], bool],
        hide: Callable[[bytes], bytes],
    ) -> None:
        self._reader = reader
        self._send = send
        self._hide = hide
        self.ended = False
        self.rest = b""

    def take(self, pieces: list[bytes]) -> bool:
        """Pass on what came in one turn, in one write; False when no more may come for now."""
        reader = self._reader
        if len(pieces) == 1:
            out = reader.feed(pieces[0])
        else:
            out = b"".join([reader.feed(piece) for piece in pieces])
        if reader.failure is None and not reader.done:
            return self._send(out)
        return self.pass_on(out)

    def pass_on(self, out: bytes) -> bool:
        """Pass on what was read, unless it is the last."""
        reader = self._reader
        if reader.failure_sent:
            out = self._hide(out)
        if reader.done or (reader.failure is not None and not reader.failure_sent):
            self.ended, self.rest = True, out
            return False
        return self._send(out)

    def close(self) -> None:
        """Take the end of the body."""
        out = self._reader.close()
        self.ended, self.rest = True, self._hide(out) if self._reader.failure_sent else out
