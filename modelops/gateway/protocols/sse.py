"""Event streams: a body cut into frames as it comes, each frame kept as the bytes it was.

A server-sent event ends with a blank line, which may be written with LF, CRLF or CR. A piece that
is one event in its plainest form does not come here: `passing.PassingStream.feed` knows it at once.
"""

from __future__ import annotations

import re

FRAME_MAX = 16 * 1024 * 1024
"""Bytes of one event: images come as base64 in one."""

BLANK_LINE = re.compile(rb"\r\n\r\n|\n\n|\r\r")
LINE_END = re.compile(rb"\n")
_LINE = re.compile(rb"\r\n|\n|\r")


class FrameTooLargeError(Exception):
    """An event is longer than anything a provider sends."""


class Splitter:
    """Cuts a stream into frames; what is not a whole frame yet waits in `pieces`.

    `boundary` is what ends a frame, at most four bytes: a blank line, or a line's end for NDJSON.
    """

    __slots__ = ("_boundary", "_size", "_tail", "pieces")

    def __init__(self, boundary: re.Pattern[bytes] = BLANK_LINE) -> None:
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
            if not self._boundary.search(seam):
                return []
            piece = b"".join(self.pieces)
        frames: list[bytes] = []
        start = 0
        for blank in self._boundary.finditer(piece):
            frames.append(piece[start : blank.end()])
            start = blank.end()
        rest = piece[start:] if start else piece
        self.pieces = [rest] if rest else []
        self._size = len(rest)
        self._tail = rest[-3:]
        return frames


def parse(frame: bytes) -> tuple[bytes, bytes]:
    """Return a frame's event name and data, both b"" when it has none (a comment)."""
    if frame.startswith(b"data: ") and frame.find(b"\n") == len(frame) - 2:
        return b"", frame[6:-2]
    name = b""
    data: list[bytes] = []
    for line in _LINE.split(frame):
        field, _, value = line.partition(b":")
        if field == b"data":
            data.append(value.removeprefix(b" "))
        elif field == b"event":
            name = value.strip()
    return name, b"\n".join(data)
