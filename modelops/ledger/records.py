"""How an attempt stands in a journal: length, checksum, payload.

A process can die in the middle of a write, so whatever does not match its checksum ends the file:
what follows was never acknowledged. So does a length of 0, where nothing was written yet. The
payload is msgpack with field names, so that a later version still reads the journal of an earlier
one. An earlier version may find what it does not know: that record is skipped, its checksum being
right, and those behind it are read.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from enum import IntEnum
from typing import NamedTuple

import msgspec

from modelops.metering.attempt import Attempt

_HEADER = struct.Struct("<II")
_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Attempt)

MAX_RECORD = 64 << 10
"""Bytes of a record at most; real ones have 200 to 2,000."""


class Kind(IntEnum):
    """What a record says: a call begins, or it has ended."""

    BEGIN = 1
    END = 2


BEGIN, END = Kind.BEGIN, Kind.END
"""For the request road: to look a member up takes a tenth of what it takes to write a record."""


_KINDS = {kind: bytes((kind,)) for kind in Kind}


class Record(NamedTuple):
    """One record. `end` is the offset behind it in its file.

    The attempt of a BEGIN is the row that it becomes if no END is ever seen: `interrupted`.
    """

    kind: Kind
    attempt: Attempt
    start: int
    end: int

    @property
    def attempt_id(self) -> str:
        """The attempt's id."""
        return self.attempt.attempt_id


class Unreadable(NamedTuple):
    """A whole record that this version cannot read: why, and its first byte, where the kind is.

    `attempt_id` is '' where not even that can be read.
    """

    reason: str
    kind: int
    attempt_id: str
    start: int
    end: int


class _Named(msgspec.Struct):
    """What any version's attempt has."""

    attempt_id: str = ""


_NAME_DECODER = msgspec.msgpack.Decoder(_Named)


def encode(kind: Kind, attempt: Attempt) -> bytes:
    """Return the bytes of one record."""
    payload = _KINDS[kind] + _ENCODER.encode(attempt)
    return _HEADER.pack(len(payload), zlib.crc32(payload)) + payload


def scan(data: bytes, offset: int) -> list[Record | Unreadable]:
    """Return the whole records at the beginning of `data`, which starts at `offset` of its file."""
    return list(iterate(data, offset))


def iterate(data: bytes, offset: int) -> Iterator[Record | Unreadable]:
    """Yield what `scan` returns, one by one."""
    position = 0
    while position + _HEADER.size <= len(data):
        length, checksum = _HEADER.unpack_from(data, position)
        start, end = position + _HEADER.size, position + _HEADER.size + length
        if not 0 < length <= MAX_RECORD or end > len(data):
            break
        payload = data[start:end]
        if zlib.crc32(payload) != checksum:
            break
        yield _read(payload, offset + position, offset + end)
        position = end


def _read(payload: bytes, start: int, end: int) -> Record | Unreadable:
    """Return what a record says whose checksum is right."""
    try:
        return Record(Kind(payload[0]), _DECODER.decode(payload[1:]), start, end)
    except ValueError as error:  # msgspec's errors and those of an enum are
        reason = f"this version cannot read a record of the journal: {error}"
        return Unreadable(reason, payload[0], _name(payload), start, end)


def _name(payload: bytes) -> str:
    try:
        return _NAME_DECODER.decode(payload[1:]).attempt_id
    except ValueError:
        return ""
