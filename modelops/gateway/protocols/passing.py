"""Streams looked at on the way: frames go on byte for byte, or are kept to be translated."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import msgspec

from modelops.gateway.errors import NOT_JSON
from modelops.gateway.protocols import sse
from modelops.metering.usage import UsageReader
from modelops.resources.resolved import Protocol

_DECODE = msgspec.json.Decoder().decode


class PassingStream(ABC):
    """Implements `adapter.StreamReader` for a protocol of server-sent events.

    A subclass looks at one decoded event at a time and says which bytes go on. When `kept` is a
    list, decoded events are kept in it, for a translation to take.
    """

    def __init__(self, protocol: Protocol, splitter: sse.Splitter | None = None) -> None:
        self.content = False
        self.done = False
        self.end = b""
        self.failure: bytes | None = None
        self.told = False
        self.flowing = True
        self.finish_reason = ""
        self.size = 0
        self.usage = UsageReader(protocol)
        self.kept: list[dict[str, Any]] | None = None
        self._splitter = splitter or sse.Splitter()

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
            self.flowing = False
            return b""
        if len(frames) == 1:
            out = self._pass(frames[0])
        else:
            out = b"".join([self._pass(frame) for frame in frames])
        self.flowing = not self.done and self.failure is None
        return out

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

    def data(self, frame: bytes) -> bytes:
        """Return the data in a frame, b"" when it has none."""
        return sse.parse(frame)[1]

    def ends(self, data: bytes) -> bool:
        """Whether a frame is an end marker that is not JSON."""
        return False

    def _pass(self, frame: bytes) -> bytes:
        if self.failure is not None and not self.told:
            return b""  # what follows a broken event cannot be trusted
        if self.done:
            self.end += frame
            return b""
        data = self.data(frame)
        if not data:
            return frame
        if self.ends(data):
            self.done = self.content = True
            self.end = frame
            return b""
        try:
            event = _DECODE(data)
        except NOT_JSON:
            event = None
        if not isinstance(event, dict):
            self.failure = data
            return b""
        if self.kept is not None:
            self.kept.append(event)
        out = self.see(event, data, frame)
        if self.failure is not None and out:
            self.told = True
        return out
