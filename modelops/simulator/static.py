"""Answers for load tests: models whose answers are built once and then only sent.

`static` answers sixteen words. `static-100x10ms` answers a hundred, and streams them one by one,
10 ms apart. The bytes that answer one request body are kept and sent again for the same body to
the same path, so the simulator costs next to nothing beside what is measured. Such a request is
counted in the ledger like any other; it is only not read again.
"""

from __future__ import annotations

import re

import msgspec

from modelops.simulator.delivery import Delivery
from modelops.simulator.ledger import Entry

PREFIX = "static"
USUAL_WORDS = 16
MAX_KEPT = 1_000
MAX_BODY = 64 * 1024

_NAME = re.compile(r"static(?:-(\d{1,5})x(\d{1,5})ms)?")


class Prebuilt(msgspec.Struct, frozen=True):
    """An answer that is ready to be sent again."""

    entry: Entry
    delivery: Delivery


def shape(model: str) -> tuple[int, float] | None:
    """Return how many words a static model answers, and the seconds between them."""
    found = _NAME.fullmatch(model) if model.startswith(PREFIX) else None
    if not found:
        return None
    return int(found[1] or USUAL_WORDS), int(found[2] or 0) / 1000


class Shelf:
    """Answers kept by path and body."""

    def __init__(self) -> None:
        self._kept: dict[tuple[bytes, bytes], Prebuilt] = {}

    def find(self, url: bytes, body: bytes) -> Prebuilt | None:
        """Return the answer kept for a request, if there is one."""
        return self._kept.get((url, body)) if self._kept and len(body) <= MAX_BODY else None

    def keep(self, url: bytes, body: bytes, prebuilt: Prebuilt) -> None:
        """Keep an answer for the next such request."""
        if len(body) <= MAX_BODY and len(self._kept) < MAX_KEPT:
            self._kept[url, body] = prebuilt
