"""In-memory buffer used when the journal cannot be written."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from modelops.ledger.collapse import collapsed_to
from modelops.metering.attempt import Attempt

CAPACITY = 10_000
"""Rows that may wait: about 15 MB. Then as many are put together as it takes to halve them, which
holds the loop for 0.1 s or, where few are alike, 0.4."""

_BATCH = 500


class Memory:
    """Rows in their order.

    Those that the store was asked to take stay apart until it has: it may have them, whatever it
    says, so they must not be put together with others. Nor must those whose call began in the
    journal: without an end of its own it would be one more row, `interrupted`.
    """

    def __init__(self) -> None:
        self._offered: list[Attempt] = []
        self._begun: deque[Attempt] = deque()
        self._others: deque[Attempt] = deque()

    def __len__(self) -> int:
        """How many rows wait."""
        return len(self._offered) + len(self._begun) + len(self._others)

    @property
    def full(self) -> bool:
        """Whether half of the room is taken; the other half is for calls under way."""
        return len(self) >= CAPACITY // 2

    @property
    def weight(self) -> int:
        """How many attempts the rows stand for."""
        return sum(row.weight for rows in self.content() for row in rows)

    def content(self) -> tuple[list[Attempt], list[Attempt]]:
        """Return the rows that must stay apart, and the others."""
        return [*self._offered, *self._begun], list(self._others)

    def append(self, row: Attempt, *, begun: bool) -> tuple[int, int]:
        """Keep a row; return how many lost their detail for it, and how many all.

        `begun` says that its call began in the journal. Where no two are alike it is the row itself
        that is lost.
        """
        (self._begun if begun else self._others).append(row)
        if len(self) <= CAPACITY:
            return 0, 0
        before = len(self._others)
        self._others = deque(collapsed_to(self._others, len(self._others) // 2))
        if gone := before - len(self._others):
            return gone, 0
        (self._begun if begun else self._others).pop()
        return 0, 1

    def move(self, take: Callable[[Attempt], None]) -> None:
        """Give the rows that the store was not asked to take to another, until that raises."""
        for rows in (self._begun, self._others):
            while rows:
                take(rows[0])
                rows.popleft()

    def offer(self) -> list[Attempt]:
        """Return the rows to ask the store to take, the same until they are taken."""
        if not self._offered:
            rows = self._begun or self._others
            self._offered = [rows.popleft() for _ in range(min(_BATCH, len(rows)))]
        return self._offered

    def taken(self) -> None:
        """Let go of the rows that were offered."""
        self._offered = []
