"""The arithmetic of the books in Python: what attempts add to the rollups, group by group.

Rows are added up before they go to the database, by the process that has them in memory anyway:
where many are alike that takes 1 us each, reading them back in SQL took 10. `measures.py` is the
same arithmetic over rows that are in the table; a test holds the two together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from modelops.metering.batches import grouped
from modelops.store.books import SLOT_US
from modelops.store.columns import Columns
from modelops.store.cubes import Cube
from modelops.store.sums import CellKey, Packed, Tallies, counted, pack
from modelops.store.tables import CELL

COLUMNS = CELL[2:]
"""What a group is made of, in this order."""

_WITHOUT_USER = Cube("", SLOT_US, tuple(name for name in COLUMNS if name != "user"))


class _Kind(NamedTuple):
    """What rows have in common that are counted together: the slot, then columns by name."""

    slot: int
    user: str
    agent: str
    provider: str
    model: str
    chain: str
    revision: int
    outcome: str
    final: bool
    position: int
    simulated: bool
    usage_source: str
    error_class: str
    weight: int


class _Amounts(NamedTuple):
    """What is added up of such rows: columns by name."""

    input_tokens: Sequence[int | None]
    output_tokens: Sequence[int | None]
    cache_read_tokens: Sequence[int | None]
    cache_write_tokens: Sequence[int | None]
    cache_write_1h_tokens: Sequence[int | None]
    reasoning_tokens: Sequence[int | None]
    cost_pico: Sequence[int | None]
    input_cost_pico: Sequence[int | None]
    output_cost_pico: Sequence[int | None]
    estimate_pico: Sequence[int | None]
    latency_us: Sequence[int]
    first_content_us: Sequence[int | None]
    latency_bucket: Sequence[int]
    first_content_bucket: Sequence[int | None]


def tally(columns: Columns, found: Tallies) -> None:
    """Add rows to what is found already, by all columns and slot."""
    slots = [started_us // SLOT_US for started_us in columns["started_at_us"]]
    kinds = [slots, *(columns[name] for name in _Kind._fields[1:])]
    amounts = [columns[name] for name in _Amounts._fields]
    for kind, own in grouped(kinds, amounts):
        _add(_Kind(*kind), _Amounts(*own), found)


def _add(kind: _Kind, amounts: _Amounts, found: Tallies) -> None:
    weight, ok = kind.weight, kind.outcome == "success"
    fallback = ok and kind.final and kind.position > 0
    status = "fallback" if fallback else kind.outcome
    key = CellKey(kind.slot, (*kind[1:7], status))
    own = found.get(key)
    if own is None:
        own = found[key] = Packed()
    own.sums += pack(_values(kind, amounts))
    if ok:
        own.latency += _histogram(amounts.latency_bucket, weight)
    own.first_content += _histogram(amounts.first_content_bucket, weight)


def _values(kind: _Kind, amounts: _Amounts) -> tuple[int, ...]:
    """Return what rows of a kind add, in the order of MEASURES."""
    adjusted = kind.outcome == "adjusted"
    reached = not adjusted and kind.outcome != "refused"
    ok = kind.outcome == "success"
    cancelled = kind.outcome == "cancelled"
    reported = kind.usage_source == "reported"
    count = kind.weight * len(amounts.latency_us)
    final = count if kind.final else 0
    without_cost = kind.weight * amounts.cost_pico.count(None) if reached else 0
    corrected = count if adjusted and kind.error_class == "unpriced" else 0
    return (
        count if reached else 0,
        count if ok else 0,
        final,
        final if ok else 0,
        count if ok else 0,
        count - kind.weight * amounts.first_content_us.count(None),
        _sum(amounts.input_tokens),
        _sum(amounts.output_tokens),
        _sum(amounts.cost_pico),
        _sum(amounts.input_cost_pico),
        _sum(amounts.output_cost_pico),
        _sum(amounts.latency_us) if ok else 0,
        _sum(amounts.first_content_us),
        _sum(amounts.cache_read_tokens),
        _sum(amounts.cache_write_tokens) + _sum(amounts.cache_write_1h_tokens),
        _sum(amounts.reasoning_tokens),
        final if ok and kind.position > 0 else 0,
        count if kind.simulated else 0,
        _sum(amounts.estimate_pico),
        (without_cost if reported else 0) - corrected,
        0 if reported else without_cost,
        count if cancelled else 0,
        final if cancelled else 0,
    )


def _sum(column: Sequence[int | None]) -> int:
    return sum(filter(None, column))


def _histogram(buckets: Sequence[int | None], weight: int) -> int:
    return sum(
        counted(bucket, weight * count)
        for bucket, count in Counter(buckets).items()
        if bucket is not None
    )


def merged(parts: Sequence[Tallies]) -> Tallies:
    """Return the sum of several."""
    if len(parts) == 1:
        return parts[0]
    found: Tallies = {}
    for part in parts:
        for key, added in part.items():
            own = found.get(key)
            if own is None:
                own = found[key] = Packed()
            own.add(added)
    return found


def without_user(tallies: Mapping[CellKey, Packed]) -> Tallies:
    """Return the same by all columns but the user: far fewer, for the cubes that leave it out."""
    return project(tallies, _WITHOUT_USER)


def project(tallies: Mapping[CellKey, Packed], cube: Cube) -> Tallies:
    """Return the same by the columns and the unit of a cube; others are '' and 0."""
    found: Tallies = {}
    nothing = [0 if name == "revision" else "" for name in COLUMNS]
    kept = [name in cube.columns for name in COLUMNS]
    for (slot, values), added in tallies.items():
        chosen = [
            value if keep else none for value, keep, none in zip(values, kept, nothing, strict=True)
        ]
        key = CellKey(slot * SLOT_US // cube.unit_us, tuple(chosen))
        own = found.get(key)
        if own is None:
            own = found[key] = Packed()
        own.add(added)
    return found
