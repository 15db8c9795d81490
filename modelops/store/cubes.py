"""Which combinations of dimensions are kept added up, and at what grain.

By quarter of an hour there is no gain in users: nearly every attempt has a cell of its own. So
those cubes leave them out, and others by UTC day and by week, which are long enough for users to
repeat, keep them. The longest units answer most of a span, for every time zone, shorter ones what
is left of it at its ends; what is shorter than all is read from attempts.
"""

from __future__ import annotations

from typing import NamedTuple

from modelops.resources.times import DAY_US
from modelops.store.books import SLOT_US, Dimension, Selection

WEEK_US = 7 * DAY_US
"""As units are counted from 1970, weeks begin on Thursdays: they are never shown."""


class Cube(NamedTuple):
    """A set of dimensions, added up over a length of time.

    The model dimension is provider/model, so it needs both columns.
    """

    name: str
    unit_us: int
    columns: tuple[str, ...]

    def answers(self, selection: Selection) -> bool:
        """Say whether the sums of this cube are enough for a report, and not far too many.

        To group by revision, those without it are: `weeks.py` tells revisions apart.
        """
        asked: set[Dimension] = {*selection.by, *selection.filters}
        if "revision" not in selection.filters:
            asked.discard("revision")
        if selection.label_versions is not None and "revision" in selection.by:
            asked.add("agent")  # each has versions of its own
        return (
            asked <= set(self.columns)
            and ("user" in asked) == ("user" in self.columns)
            and not any(us % self.unit_us for us in selection.starts)
        )


_SHARED = ("provider", "model", "agent", "chain", "revision", "status")

WEEK_USER = Cube("week-user", WEEK_US, ("user", "agent", "provider", "model", "chain", "status"))
DAY = Cube("day", DAY_US, _SHARED)
DAY_ALL = Cube("day-all", DAY_US, ("user", *_SHARED))

CUBES = (
    WEEK_USER,
    DAY,
    DAY_ALL,
    Cube("slot-target", SLOT_US, ("provider", "model", "revision", "status")),
    Cube("slot", SLOT_US, _SHARED),
)
"""Longest unit first; among those of a unit, smallest first. Those with users cost most to keep:
a cell for nearly every attempt of a batch."""


def cubes_for(selection: Selection) -> list[Cube]:
    """Return the smallest matching cube per period, longest first."""
    found: dict[int, Cube] = {}
    for cube in CUBES:
        if cube.answers(selection):
            found.setdefault(cube.unit_us, cube)
    return list(found.values())
