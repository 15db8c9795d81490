"""Which combinations of dimensions are kept added up, and at what grain.

All dimensions at once would give nearly as many rows as there are attempts. Two cubes by quarter
of an hour answer what is asked most, for every time zone; two by UTC day answer the rest, because a
day is long enough for combinations and users to repeat. What no cube answers is read from attempts.
"""

from __future__ import annotations

from typing import NamedTuple

from modelops.store.books import SLOT_US, Dimension, Selection


class Unit(NamedTuple):
    """A length of time that attempts are added up over: so many slots."""

    slots: int

    @property
    def us(self) -> int:
        """Its length in microseconds."""
        return self.slots * SLOT_US


SLOT = Unit(1)
DAY = Unit(96)


class Cube(NamedTuple):
    """A set of dimensions. The model dimension is provider/model, so it needs both columns."""

    name: str
    unit: Unit
    columns: tuple[str, ...]

    def answers(self, selection: Selection) -> bool:
        """Say whether the sums of this cube are enough for a report."""
        asked: set[Dimension] = {*selection.by, *selection.filters}
        return asked <= set(self.columns) and (self.unit is SLOT or not selection.by_slot)


CUBES = (
    Cube("target", SLOT, ("provider", "model", "revision", "status")),
    Cube("caller", SLOT, ("agent", "chain", "revision", "status")),
    Cube("user", DAY, ("user", "agent")),
    Cube("day", DAY, ("provider", "model", "agent", "chain", "revision", "status")),
)


def cube_for(selection: Selection) -> Cube | None:
    """Return the smallest cube that answers a report; None when attempts must be read."""
    return next((cube for cube in CUBES if cube.answers(selection)), None)
