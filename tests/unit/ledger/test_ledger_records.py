"""Records survive their file being cut or damaged anywhere: what is whole is read, the rest not."""

from __future__ import annotations

import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledger_samples import attempt, of_a_later_version

from modelops.ledger.records import Kind, Record, Unreadable, encode, scan
from modelops.metering.attempt import Attempt

ROWS = [attempt(message="x" * n, user="jürgen") for n in (0, 1, 250)]
RECORDS = [encode(Kind.END if n % 2 else Kind.BEGIN, row) for n, row in enumerate(ROWS)]
FILE = b"".join(RECORDS)


def rows_of(data: bytes) -> list[Attempt]:
    """Return what can be read."""
    return [record.attempt for record in scan(data, 0) if isinstance(record, Record)]


def test_records_come_back_as_they_were() -> None:
    found = scan(FILE, 1_000)
    assert rows_of(FILE) == ROWS
    assert [record.kind for record in found] == [Kind.BEGIN, Kind.END, Kind.BEGIN]
    assert found[0].start == 1_000
    assert [record.end for record in found[:2]] == [record.start for record in found[1:]]
    assert found[-1].end == 1_000 + len(FILE)


@given(st.integers(0, len(FILE)))
def test_a_torn_tail_ends_the_file(length: int) -> None:
    whole = sum(len(b"".join(RECORDS[: n + 1])) <= length for n in range(len(RECORDS)))
    assert rows_of(FILE[:length]) == ROWS[:whole]


@given(st.integers(0, len(FILE) - 1), st.integers(1, 255))
def test_a_damaged_byte_is_never_read_as_a_row(position: int, change: int) -> None:
    damaged = bytearray(FILE)
    damaged[position] ^= change
    found = rows_of(bytes(damaged))
    assert found == ROWS[: len(found)]
    assert len(found) < len(ROWS)


@given(st.binary(max_size=300))
def test_garbage_behind_the_records_is_not_read(garbage: bytes) -> None:
    assert len(scan(RECORDS[0] + b"\xff\xff\xff\xff" + garbage, 0)) == 1


@pytest.mark.parametrize("kind", [Kind.BEGIN, Kind.END, 3])
def test_a_record_of_a_later_version_is_passed_over_and_told(kind: int) -> None:
    later = of_a_later_version(attempt(attempt_id="0a" * 16), kind)
    first, unknown, last = scan(RECORDS[0] + later + RECORDS[1], 0)
    assert isinstance(unknown, Unreadable)
    assert (unknown.kind, unknown.attempt_id) == (kind, "0a" * 16)
    assert (first.end, last.start) == (unknown.start, unknown.end)
    assert "settled" in unknown.reason or "3" in unknown.reason
    assert rows_of(RECORDS[0] + later + RECORDS[1]) == ROWS[:2]


def test_a_record_of_which_nothing_is_known_has_no_name() -> None:
    payload = bytes((Kind.END,)) + b"\xc1"
    (unknown,) = scan(struct.pack("<II", len(payload), zlib.crc32(payload)) + payload, 0)
    assert unknown.attempt_id == ""
