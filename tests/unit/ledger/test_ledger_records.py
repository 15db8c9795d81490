"""Records survive their file being cut or damaged anywhere: what is whole is read, the rest not."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from ledger_samples import attempt

from modelops.ledger.records import Kind, encode, scan

ROWS = [attempt(message="x" * n, user="jürgen") for n in (0, 1, 250)]
RECORDS = [encode(Kind.END if n % 2 else Kind.BEGIN, row) for n, row in enumerate(ROWS)]
FILE = b"".join(RECORDS)


def test_records_come_back_as_they_were() -> None:
    found = scan(FILE, 1_000)
    assert [record.attempt for record in found] == ROWS
    assert [record.kind for record in found] == [Kind.BEGIN, Kind.END, Kind.BEGIN]
    assert found[0].start == 1_000
    assert [record.end for record in found[:2]] == [record.start for record in found[1:]]
    assert found[-1].end == 1_000 + len(FILE)


@given(st.integers(0, len(FILE)))
def test_a_torn_tail_ends_the_file(length: int) -> None:
    whole = sum(len(b"".join(RECORDS[: n + 1])) <= length for n in range(len(RECORDS)))
    assert [record.attempt for record in scan(FILE[:length], 0)] == ROWS[:whole]


@given(st.integers(0, len(FILE) - 1), st.integers(1, 255))
def test_a_damaged_byte_is_never_read_as_a_row(position: int, change: int) -> None:
    damaged = bytearray(FILE)
    damaged[position] ^= change
    found = [record.attempt for record in scan(bytes(damaged), 0)]
    assert found == ROWS[: len(found)]
    assert len(found) < len(ROWS)


@given(st.binary(max_size=300))
def test_garbage_behind_the_records_is_not_read(garbage: bytes) -> None:
    assert len(scan(RECORDS[0] + b"\xff\xff\xff\xff" + garbage, 0)) == 1
