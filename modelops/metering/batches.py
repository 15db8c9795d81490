"""Many rows at once, column by column: what is done for each of them costs a step of C, not Python.

Most rows that come together are alike in most of what they are counted by, which is seen at a
glance: a column whose values are all the same is the same few objects many times.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

Column = Sequence[Any]


def alike(column: Column) -> bool:
    """Say whether all values of a column are the same; it has one at least."""
    return column.count(column[0]) == len(column)


def grouped(
    keys: Sequence[Column], amounts: Sequence[Column]
) -> Iterator[tuple[Sequence[Any], Sequence[Column]]]:
    """Yield the rows that are alike in `keys`: what they have there, and their amounts.

    In lists: CPython keeps freed tuples for the next of their length, and one that is made from an
    iterator does not take from these, so that each would add one.
    """
    if all(map(alike, keys)):
        yield [column[0] for column in keys], amounts
        return
    groups: dict[tuple[Any, ...], list[tuple[Any, ...]]] = {}
    for key, amount in zip(zip(*keys, strict=True), zip(*amounts, strict=True), strict=True):
        rows = groups.get(key)
        if rows is None:
            groups[key] = [amount]
        else:
            rows.append(amount)
    for key, rows in groups.items():
        yield key, [*zip(*rows, strict=True)]
