"""Problems with the books that waiting does not solve: rows that were lost, and bugs.

Both are told in the log once and not at every round, and in the status: bugs for as long as they
last, of lost rows the last reason.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence

logger = logging.getLogger(__name__)


class Problems:
    """Why a row was lost last, and which work fails for an unforeseen reason."""

    def __init__(self) -> None:
        self.loss = ""
        self._bugs: dict[str, str] = {}

    @property
    def bug(self) -> str:
        """Which work fails, '' when none does."""
        return next(iter(self._bugs.values()), "")

    def lost(self, reasons: Sequence[str]) -> None:
        """Say why rows were lost; they are counted elsewhere."""
        for reason in dict.fromkeys(reasons):
            said = f"a row is lost: {reason}"
            if said != self.loss:
                self.loss = said
                logger.error("%s", said)

    def lost_at_the_end(self, count: int, reason: str) -> None:
        """Say that so many attempts were lost with the process, as nothing had room for them."""
        self.loss = f"{count} rows that waited in memory are lost: {reason}"
        logger.error("%s", self.loss)

    async def guard(self, name: str, work: Callable[[], Awaitable[object]]) -> None:
        """Do some work of a task that a bug must not end: it is tried again at the next round."""
        try:
            await work()
        except Exception:  # a bug must not end the task
            if name not in self._bugs:
                logger.exception("%s failed", name)
            self._bugs[name] = f"{name} failed; the log says why"
        else:
            self._bugs.pop(name, None)
