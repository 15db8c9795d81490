"""Which combinations of dimensions are kept added up, and at what grain.

By quarter of an hour there is no gain in users: nearly every attempt has a cell of its own. So
those cubes leave them out, and others by UTC day, which is long enough for users to repeat, keep
them. A day's cubes answer the whole days of a span, a quarter's its ends, for every time zone; what
is left is read from attempts.
"""

from __future__ import annotations

from typing import NamedTuple

from modelops.store.books import SLOT_US, Dimension, Selection

DAY_US = 96 * SLOT_US


class Cube(NamedTuple):
    """A set of dimensions, added up over a length of time.

    The model dimension is provider/model, so it needs both columns.
    """

    name: str
    unit_us: int
    columns: tuple[str, ...]

    def answers(self, selection: Selection) -> bool:
        """Say whether the sums of this cube are enough for a report."""
        asked: set[Dimension] = {*selection.by, *selection.filters}
        return asked <= set(self.columns) and not any(us % self.unit_us for us in selection.starts)


_SHARED = ("provider", "model", "agent", "chain", "revision", "status")

CUBES = (
    Cube("day", DAY_US, _SHARED),
    Cube("day-user", DAY_US, ("user", "agent")),
    Cube("day-all", DAY_US, ("user", *_SHARED)),
    Cube("slot-target", SLOT_US, ("provider", "model", "revision", "status")),
    Cube("slot", SLOT_US, _SHARED),
)
"""Longest unit first; among those of a unit, smallest first."""


def cubes_for(selection: Selection) -> list[Cube]:
    """Return the smallest cube of each unit that answers a report, longest unit first."""
    found: dict[int, Cube] = {}
    for cube in CUBES:
        if cube.answers(selection):
            found.setdefault(cube.unit_us, cube)
    return list(found.values())
