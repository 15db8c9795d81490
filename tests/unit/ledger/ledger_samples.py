"""Rows, and a store in memory that can be taken away."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from modelops.metering.attempt import Attempt
from modelops.store.books import JournalMark
from modelops.store.protocol import StoreLockedError

_NUMBERS = itertools.count(1)


def attempt(**fields: Any) -> Attempt:
    values: dict[str, Any] = {
        "attempt_id": f"{next(_NUMBERS):032x}",
        "request_id": f"{next(_NUMBERS):032x}",
        "started_at_us": 1_763_700_000_000_000,
        "revision": 1,
        "position": 0,
        "number": 0,
        "endpoint": "/v1/chat/completions",
        "outcome": "success",
        "final": True,
    }
    return Attempt(**(values | fields))


class MemoryBooks:
    """Keeps rows by id, the first of each, as the store does; fails while `away`."""

    def __init__(self) -> None:
        self.away = False
        self.rows: dict[str, Attempt] = {}
        self.marks: dict[str, int] = {}
        self.batches: list[int] = []

    async def add_attempts(self, attempts: Sequence[Attempt]) -> None:
        self._check()
        self.batches.append(len(attempts))
        for row in attempts:
            self.rows.setdefault(row.attempt_id, row)

    async def add_journalled(self, attempts: Sequence[Attempt], mark: JournalMark) -> None:
        await self.add_attempts(attempts)
        self.marks[mark.journal] = mark.consumed

    async def journal_marks(self) -> Mapping[str, int]:
        self._check()
        return self.marks

    async def forget_journals(self, names: Sequence[str]) -> None:
        self._check()
        for name in names:
            self.marks.pop(name, None)

    def _check(self) -> None:
        if self.away:
            raise StoreLockedError("the store is away", "wait")
