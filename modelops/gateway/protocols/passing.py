"""Streams looked at on the way: frames go on byte for byte, or are kept to be translated."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Generic, TypeVar

from modelops.gateway.errors import NOT_JSON, Begun, invalid_answer_body
from modelops.gateway.protocols import sse
from modelops.metering.usage import UsageReader
from modelops.resources.resolved import Protocol

Event = TypeVar("Event")

_BLANK_LINES = (b"\n\n", b"\r\n\r\n")


class PassingStream(ABC, Generic[Event]):
    """Implements `adapter.StreamReader` for a protocol of server-sent events.

    A subclass looks at one event at a time, decoded by `decode` as far as it looks, and says which
    bytes go on. When `kept` is a list, events are kept in it, for a translation to take.
    """

    def __init__(
        self,
        protocol: Protocol,
        decode: Callable[[bytes], Event],
        splitter: sse.Splitter | None = None,
    ) -> None:
        self.content = False
        self.working = False
        self.done = False
        self.end = b""
        self.failure: bytes | None = None
        self.failure_sent = False
        self.finish_reason = ""
        self.size = 0
        self.usage = UsageReader(protocol)
        self.kept: list[Event] | None = None
        self._decode = decode
        self._splitter = splitter or sse.Splitter()

    @property
    def begun(self) -> Begun | None:
        """What an error event in this stream goes on from; None where it stands for itself."""
        return None

    @property
    def complete(self) -> bool:
        """Whether the answer came to its proper end, with or without the marker."""
        return self.done or bool(self.finish_reason)

    def feed(self, piece: bytes) -> bytes:
        """Look at the frames in a piece; see `adapter.StreamReader`."""
        if self.failure is None and not self.done and not self._splitter.pieces:
            # Nearly every piece is one event with its object in one line: the hot path.
            lines = piece.splitlines()
            if len(lines) == 3 and lines[0][:6] == b"event:":
                del lines[0]
            if len(lines) == 2:
                line, blank = lines
                if line[:7] == b"data: {" and not blank and piece.endswith(_BLANK_LINES):
                    return self._look(line[6:], piece)
        return self.cut(piece)

    def cut(self, piece: bytes) -> bytes:
        """Look at the frames in a piece, however they are cut."""
        try:
            frames = self._splitter.feed(piece)
        except sse.FrameTooLargeError as error:
            self.failure = invalid_answer_body(str(error))
            return b""
        return b"".join([self._pass(frame) for frame in frames])

    def close(self) -> bytes:
        """Look at a last frame without its blank line, or at a body that was no stream at all."""
        rest = self._splitter.rest
        if not rest.strip() or self.done:
            return b""
        if rest.lstrip()[:1] in b"{[<":
            self.failure = rest
            return b""
        return self._pass(rest + b"\n\n")

    @abstractmethod
    def see(self, event: Event, data: bytes, frame: bytes) -> bytes:
        """Note what an event says and return what of its frame goes to the client."""

    def data(self, frame: bytes) -> bytes:
        """Return the data in a frame, b"" when it has none."""
        return sse.data_of(frame)

    def ends(self, data: bytes) -> bool:
        """Whether data that is no event is the end marker."""
        return False

    def _pass(self, frame: bytes) -> bytes:
        if self.failure is not None and not self.failure_sent:
            return b""  # what follows a broken event cannot be trusted
        if self.done:
            self.end += frame
            return b""
        data = self.data(frame)
        return self._look(data, frame) if data else frame

    def _look(self, data: bytes, frame: bytes) -> bytes:
        try:
            if not data.isascii():
                data.decode()  # what is not looked at is text too
            event = self._decode(data)
        except NOT_JSON:
            if self.ends(data):
                self.done = self.content = True
                self.end = frame
            else:
                self.failure = data
            return b""
        if self.kept is not None:
            self.kept.append(event)
        out = self.see(event, data, frame)
        if self.failure is not None and out:
            self.failure_sent = True
        return out
