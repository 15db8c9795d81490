"""How an attempt stands in a journal: length, checksum, payload.

A process can die in the middle of a write, so whatever does not match its checksum ends the file:
what follows was never acknowledged. So does a length of 0, where nothing was written yet. The
payload is msgpack with field names, so that a later version still reads the journal of an earlier
one.
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


_KINDS = {kind: bytes((kind,)) for kind in Kind}


class Record(NamedTuple):
    """One record. `end` is the offset behind it in its file.

    The attempt of a BEGIN is the row that it becomes if no END is ever seen: `interrupted`.
    """

    kind: Kind
    attempt: Attempt
    start: int
    end: int


def encode(kind: Kind, attempt: Attempt) -> bytes:
    """Return the bytes of one record."""
    payload = _KINDS[kind] + _ENCODER.encode(attempt)
    return _HEADER.pack(len(payload), zlib.crc32(payload)) + payload


def scan(data: bytes, offset: int) -> list[Record]:
    """Return the whole records at the beginning of `data`, which starts at `offset` of its file."""
    return list(iterate(data, offset))


def iterate(data: bytes, offset: int) -> Iterator[Record]:
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
        attempt = _DECODER.decode(payload[1:])
        yield Record(Kind(payload[0]), attempt, offset + position, offset + end)
        position = end
