"""How much memory the bodies of running requests may take together, in one process.

One body is bounded and so is one connection, but many large ones at once would still end the
process, and every other request with it: beyond this bound the newest are rejected with 503 and
retry-after.
"""

from __future__ import annotations

BUDGET = 512 * 1024 * 1024
"""Bytes of request bodies at once: 8 of the largest, or 4,000 of a long conversation.

A process takes more: what goes upstream is a copy of what came, and a translation makes another.
With 20 bodies of 50 MiB at once, of which the budget admits ten, it took 1.1 GB, translated 1.7 GB.
"""


class BudgetExceededError(Exception):
    """The budget does not cover more of a body just now."""


class BodyBudget:
    """The budget of a process. `used` counts the bytes that are reserved."""

    def __init__(self, size: int = BUDGET) -> None:
        self.size = size
        self.used = 0


class Reservation:
    """What one request takes of the budget: bytes as they arrive, all released at its end."""

    __slots__ = ("_budget", "_reserved")

    def __init__(self, budget: BodyBudget) -> None:
        self._budget = budget
        self._reserved = 0

    def reserve(self, size: int) -> None:
        """Reserve so many bytes more; BudgetExceededError when the budget does not cover them."""
        if self._budget.used + size > self._budget.size:
            raise BudgetExceededError
        self._budget.used += size
        self._reserved += size

    def release(self) -> None:
        """Release all of it."""
        self._budget.used -= self._reserved
        self._reserved = 0
