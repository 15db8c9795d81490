"""Event streams: a body cut into frames as it comes, each frame kept as the bytes it was.

A server-sent event ends with a blank line, which may be written with LF, CRLF or CR. A piece that
is one event in its plainest form does not come here: `passing.PassingStream.feed` knows it at once.
"""

from __future__ import annotations

import re

FRAME_MAX = 16 * 1024 * 1024
"""Bytes of one event: images come as base64 in one."""

BLANK_LINE = b"\n\n"
LINE_END = b"\n"
_BLANK_LINE = re.compile(rb"\r\n\r\n|\n\n|\r\r")


class FrameTooLargeError(Exception):
    """An event is longer than anything a provider sends."""


class Splitter:
    """Cuts a stream into frames; what is not a whole frame yet waits in `pieces`.

    `boundary` is what ends a frame: a blank line, however its ends are written, or a line's end
    for NDJSON.
    """

    __slots__ = ("_boundary", "_size", "_tail", "pieces")

    def __init__(self, boundary: bytes = BLANK_LINE) -> None:
        self._boundary = boundary
        self.pieces: list[bytes] = []
        self._size = 0
        self._tail = b""

    @property
    def rest(self) -> bytes:
        """What came after the last whole frame."""
        return b"".join(self.pieces)

    def feed(self, piece: bytes) -> list[bytes]:
        """Return the frames that are whole now, their blank lines included."""
        if self.pieces:
            seam = self._tail + piece
            self._tail = seam[-3:]
            self.pieces.append(piece)
            self._size += len(piece)
            if self._size > FRAME_MAX:
                raise FrameTooLargeError(f"an event is over {FRAME_MAX} bytes")
            if len(self._cut(seam)) == 1:
                return []
            piece = b"".join(self.pieces)
        *frames, rest = self._cut(piece)
        self.pieces = [rest] if rest else []
        self._size = len(rest)
        self._tail = rest[-3:]
        return frames

    def _cut(self, content: bytes) -> list[bytes]:
        """Return the whole frames in content, and behind them what is not one yet."""
        boundary = self._boundary
        if boundary is LINE_END or b"\r" not in content:
            *lines, rest = content.split(boundary)
            return [*[line + boundary for line in lines], rest]
        frames: list[bytes] = []
        start = 0
        for blank in _BLANK_LINE.finditer(content):
            frames.append(content[start : blank.end()])
            start = blank.end()
        return [*frames, content[start:]]


def data_of(frame: bytes) -> bytes:
    """Return the data in a frame, b"" when it has none (a comment)."""
    return b"\n".join(
        [
            line[6:] if line[5:6] == b" " else line[5:]
            for line in frame.splitlines()
            if line[:5] == b"data:" or line == b"data"
        ]
    )
