"""The arithmetic of the books in Python: what attempts add to the rollups, group by group.

Rows are added up before they go to the database, by the process that has them in memory anyway:
that takes 3 us each, reading them back in SQL took 10. `measures.py` is the same arithmetic over
rows that are in the table; a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from modelops.metering.attempt import Attempt
from modelops.metering.histogram import bucket_of
from modelops.store.books import SLOT_US
from modelops.store.cubes import Cube
from modelops.store.sums import Packed, counted, pack
from modelops.store.tables import CELL

COLUMNS = CELL[2:]
"""What a group is made of, in this order."""


class Place(NamedTuple):
    """One group in one unit of time, which is numbered from 0 of Unix time."""

    unit: int
    values: tuple[str | int, ...]


Tallies = dict[Place, Packed]


def tally(rows: Iterable[Attempt], found: Tallies) -> None:
    """Add rows to what is found already, by all columns and slot."""
    for row in rows:
        ok = row.outcome == "success"
        fallback = ok and row.final and row.position > 0
        values = (
            row.user,
            row.agent,
            row.provider,
            row.model,
            row.chain,
            row.revision,
            "fallback" if fallback else row.outcome,
        )
        place = Place(row.started_at_us // SLOT_US, values)
        own = found.get(place)
        if own is None:
            own = found[place] = Packed()
        own.sums += pack(_values(row))
        if ok:
            own.latency += counted(bucket_of(row.latency_us // row.weight), row.weight)
        if row.first_content_us is not None:
            bucket = bucket_of(row.first_content_us // row.weight)
            own.first_content += counted(bucket, row.weight)


def _values(row: Attempt) -> tuple[int, ...]:
    """Return what one row adds, in the order of MEASURES."""
    usage, cost, outcome, weight = row.usage, row.cost, row.outcome, row.weight
    adjusted = outcome == "adjusted"
    reached = not adjusted and outcome != "refused"
    ok = outcome == "success"
    cancelled = outcome == "cancelled"
    final = weight if row.final else 0
    reported = usage.source == "reported"
    without_cost = reached and cost.total_pico is None
    first_content_us = row.first_content_us
    return (
        weight if reached else 0,
        weight if ok else 0,
        final,
        final if ok else 0,
        weight if ok else 0,
        0 if first_content_us is None else weight,
        usage.input_tokens or 0,
        usage.output_tokens or 0,
        cost.total_pico or 0,
        cost.input_pico or 0,
        cost.output_pico or 0,
        row.latency_us if ok else 0,
        first_content_us or 0,
        usage.cache_read_tokens or 0,
        (usage.cache_write_tokens or 0) + (usage.cache_write_1h_tokens or 0),
        usage.reasoning_tokens or 0,
        final if ok and row.position > 0 else 0,
        weight if row.simulated else 0,
        cost.estimate_pico or 0,
        weight * ((without_cost and reported) - (adjusted and row.error_class == "unpriced")),
        weight if without_cost and not reported else 0,
        weight if cancelled else 0,
        final if cancelled else 0,
    )


def without_user(tallies: Mapping[Place, Packed]) -> Tallies:
    """Return the same by all columns but the user: far fewer, for the cubes that leave it out."""
    return project(tallies, Cube("", SLOT_US, tuple(name for name in COLUMNS if name != "user")))


def project(tallies: Mapping[Place, Packed], cube: Cube) -> Tallies:
    """Return the same by the columns and the unit of a cube; others are '' and 0."""
    found: Tallies = {}
    nothing = [0 if name == "revision" else "" for name in COLUMNS]
    kept = [name in cube.columns for name in COLUMNS]
    for (slot, values), added in tallies.items():
        chosen = [
            value if keep else none for value, keep, none in zip(values, kept, nothing, strict=True)
        ]
        place = Place(slot * SLOT_US // cube.unit_us, tuple(chosen))
        own = found.get(place)
        if own is None:
            own = found[place] = Packed()
        own.add(added)
    return found
