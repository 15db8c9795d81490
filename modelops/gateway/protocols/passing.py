"""Streams that pass as they are: frames are looked at on the way, and go on byte for byte."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import msgspec

from modelops.gateway.protocols import sse
from modelops.metering.usage import UsageReader
from modelops.resources.resolved import Protocol

_DECODE = msgspec.json.Decoder().decode


class PassingStream(ABC):
    """Implements `adapter.StreamReader` for a protocol of server-sent events.

    A subclass looks at one decoded event at a time and says which bytes go on.
    """

    def __init__(self, protocol: Protocol) -> None:
        self.content = False
        self.done = False
        self.end = b""
        self.failure: bytes | None = None
        self.finish_reason = ""
        self.size = 0
        self.usage = UsageReader(protocol)
        self._splitter = sse.Splitter()

    @property
    def complete(self) -> bool:
        """Whether the answer came to its proper end, with or without the marker."""
        return self.done or bool(self.finish_reason)

    def feed(self, piece: bytes) -> bytes:
        """Look at the frames in a piece; see `adapter.StreamReader`."""
        try:
            frames = self._splitter.feed(piece)
        except sse.FrameTooLargeError as error:
            self.failure = msgspec.json.encode({"error": {"message": str(error)}})
            return b""
        if len(frames) == 1:
            return self._pass(frames[0])
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
    def see(self, event: dict[str, Any], data: bytes, frame: bytes) -> bytes:
        """Note what an event says and return what of its frame goes to the client."""

    def ends(self, data: bytes) -> bool:
        """Whether a frame is an end marker that is not JSON."""
        return False

    def _pass(self, frame: bytes) -> bytes:
        if self.done:
            self.end += frame
            return b""
        data = sse.parse(frame)[1]
        if not data:
            return frame
        if self.ends(data):
            self.done = self.content = True
            self.end = frame
            return b""
        try:
            event = _DECODE(data)
        except (msgspec.DecodeError, RecursionError):
            event = None
        if not isinstance(event, dict):
            self.failure = data
            return b""
        return self.see(event, data, frame)
