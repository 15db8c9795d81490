"""One file, loaded: its data, and where every value of it stands.

Places are kept beside the data, in a tree of the same shape, and become positions only when asked
for: a large configuration has 100,000 of them, and nearly all go unused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from modelops.resources.configuration import Diagnostic, Position

Path = Sequence[str | int]
"""Where a value stands in its document: keys and indexes from the root."""

Place: TypeAlias = int
"""Line and column, both from 0: `line << COLUMN_BITS | column`."""
Marks: TypeAlias = "dict[str, Entry] | list[Entry]"
Entry: TypeAlias = "Place | tuple[Place, Marks]"
"""Places of a key (in a list, of the item) and of its value: `key << PLACE_BITS | value`; for
a container also what is in it. Integers, because objects would keep the garbage collector busy.
"""

COLUMN_BITS = 24  # a file has at most 2**22 bytes
PLACE_BITS = 2 * COLUMN_BITS
_COLUMN = (1 << COLUMN_BITS) - 1
_PLACE = (1 << PLACE_BITS) - 1


def key_line(entry: Entry) -> int:
    """Return the line, from 1, of the key of an entry."""
    packed = entry if isinstance(entry, int) else entry[0]
    return (packed >> PLACE_BITS >> COLUMN_BITS) + 1


class Document:
    """One file: plain data with Decimals for fractions, and what is wrong with it.

    `data` is what could be read, so with diagnostics it is not to be relied on; `complete` says
    whether reading got to the end. `sops` is the file's SOPS block, or None. `left_out` are the
    paths of what stands in the file and not in `data`, because it is wrong (config/remains.py).
    """

    __slots__ = ("complete", "data", "diagnostics", "file", "left_out", "root", "sops", "text")

    def __init__(self, file: str, text: str = "") -> None:
        self.file = file
        self.text = text
        self.complete = False
        self.data: object = None
        self.sops: Mapping[str, object] | None = None
        self.root: Entry = 0
        self.diagnostics: list[Diagnostic] = []
        self.left_out: frozenset[tuple[str | int, ...]] = frozenset()

    def position(self, path: Path = (), *, key: bool = False) -> Position:
        """Return where the value at a path stands (its key, if asked), or the nearest above it."""
        entry = self.root
        for step in path:
            below = _below(entry, step)
            if below is None:
                break
            entry = below
        packed = entry if isinstance(entry, int) else entry[0]
        chosen = packed >> PLACE_BITS if key else packed & _PLACE
        return Position(self.file, (chosen >> COLUMN_BITS) + 1, (chosen & _COLUMN) + 1)

    def value(self, path: Path) -> object:
        """Return what is written at a path; None when nothing is."""
        value = self.data
        for step in path:
            if isinstance(value, dict):
                value = value.get(step)
            elif isinstance(value, list) and isinstance(step, int) and 0 <= step < len(value):
                value = value[step]
            else:
                return None
        return value

    def has(self, path: Path) -> bool:
        """Say whether a value is written at a path."""
        entry = self.root
        for step in path:
            below = _below(entry, step)
            if below is None:
                return False
            entry = below
        return True


def _below(entry: Entry, step: str | int) -> Entry | None:
    if isinstance(entry, int):
        return None
    marks = entry[1]
    if isinstance(marks, dict):
        return marks.get(step) if isinstance(step, str) else None
    return marks[step] if isinstance(step, int) and 0 <= step < len(marks) else None
