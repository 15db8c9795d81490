"""The arithmetic of the books in Python: what attempts add to the rollups, group by group.

Rows are added up before they go to the database, by the process that has them in memory anyway:
that takes 3 us each, reading them back in SQL took 10. `measures.py` is the same arithmetic over
rows that are in the table; a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from operator import add
from typing import NamedTuple

from modelops.metering.attempt import Attempt
from modelops.metering.histogram import bucket_of
from modelops.store.books import SLOT_US
from modelops.store.cubes import SLOT, Cube
from modelops.store.tables import MEASURES, MONEY

COLUMNS = ("provider", "model", "agent", "user", "chain", "revision", "status")
"""What a group is made of, in this order."""


class Place(NamedTuple):
    """One group in one unit of time, which is numbered from 0 of Unix time."""

    unit: int
    values: tuple[str | int, ...]


class Tally:
    """What a group's attempts add up to: measures and money, in the order of tables, and durations.

    Histograms count by bucket (metering/histogram.py). Money is whole: Python does not overflow.
    """

    __slots__ = ("first_content", "latency", "sums")

    def __init__(self) -> None:
        self.sums = [0] * (len(MEASURES) + len(MONEY))
        self.latency: dict[int, int] = {}
        self.first_content: dict[int, int] = {}

    def add(self, more: Tally) -> None:
        """Add what another group adds up to."""
        self.sums = list(map(add, self.sums, more.sums))
        for own, others in (
            (self.latency, more.latency),
            (self.first_content, more.first_content),
        ):
            for bucket, count in others.items():
                own[bucket] = own.get(bucket, 0) + count


Tallies = dict[Place, Tally]


def tally(rows: Iterable[Attempt], found: Tallies) -> None:
    """Add rows to what is found already, by all columns and slot."""
    for row in rows:
        ok = row.outcome == "success"
        fallback = ok and row.final and row.position > 0
        values = (
            row.provider,
            row.model,
            row.agent,
            row.user,
            row.chain,
            row.revision,
            "fallback" if fallback else row.outcome,
        )
        place = Place(row.started_at_us // SLOT_US, values)
        own = found.get(place)
        if own is None:
            own = found[place] = Tally()
        own.sums = list(map(add, own.sums, _sums(row)))
        if ok:
            bucket = bucket_of(row.latency_us // row.weight)
            own.latency[bucket] = own.latency.get(bucket, 0) + row.weight
        if row.first_content_us is not None:
            bucket = bucket_of(row.first_content_us // row.weight)
            own.first_content[bucket] = own.first_content.get(bucket, 0) + row.weight


def _sums(row: Attempt) -> tuple[int, ...]:
    """Return what one row adds, in the order of MEASURES and MONEY (see measures.summed)."""
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
        weight if cancelled else 0,
        final,
        final if ok else 0,
        final if ok and row.position > 0 else 0,
        final if cancelled else 0,
        usage.input_tokens or 0,
        usage.output_tokens or 0,
        usage.cache_read_tokens or 0,
        (usage.cache_write_tokens or 0) + (usage.cache_write_1h_tokens or 0),
        usage.reasoning_tokens or 0,
        weight * ((without_cost and reported) - (adjusted and row.error_class == "unpriced")),
        weight if without_cost and not reported else 0,
        weight if row.simulated else 0,
        weight if ok else 0,
        row.latency_us if ok else 0,
        0 if first_content_us is None else weight,
        first_content_us or 0,
        cost.total_pico or 0,
        cost.input_pico or 0,
        cost.output_pico or 0,
        cost.estimate_pico or 0,
    )


def without_user(tallies: Mapping[Place, Tally]) -> Tallies:
    """Return the same by all columns but the user: far fewer, for the cubes that leave it out."""
    return project(tallies, Cube("", SLOT, tuple(name for name in COLUMNS if name != "user")))


def project(tallies: Mapping[Place, Tally], cube: Cube) -> Tallies:
    """Return the same by the columns and the unit of a cube; others are '' and 0."""
    found: Tallies = {}
    nothing = [0 if name == "revision" else "" for name in COLUMNS]
    kept = [name in cube.columns for name in COLUMNS]
    for (slot, values), added in tallies.items():
        chosen = [
            value if keep else none for value, keep, none in zip(values, kept, nothing, strict=True)
        ]
        place = Place(slot // cube.unit.slots, tuple(chosen))
        own = found.get(place)
        if own is None:
            own = found[place] = Tally()
        own.add(added)
    return found
