"""What the simulator served: the other side of the books, which reports are compared with.

Every request to a provider is one entry, made when its exchange ends. The newest entries are kept
whole, all of them add up in exact totals, and a file takes one JSON line each when it is wanted:
the line is written before the connection is used again, so a killed client changes nothing.
"""

from __future__ import annotations

import os
from collections import deque
from pathlib import Path
from typing import Literal

import msgspec

from modelops.simulator.wire import Tokens

Outcome = Literal["completed", "cut", "client_gone"]

MAX_ENTRIES = 10_000
"""Entries kept whole."""


class Entry(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One request as the provider saw it.

    `started_at_us` is Unix time, `duration_us` microseconds. `status` 0: nothing was answered.
    `tokens` is what the whole answer used, and is zero for an error. `events` counts the pieces
    sent. `completed` means that every byte was handed to the socket; `cut` that a fault ended it.
    `client_request_id` is the caller's own `x-client-request-id` or `x-request-id`, and `user` the
    user the body names.
    """

    number: int = 0
    started_at_us: int = 0
    duration_us: int = 0
    provider: str
    endpoint: str
    model: str
    status: int
    streamed: bool
    fault: str = ""
    outcome: Outcome = "completed"
    events: int = 0
    tokens: Tokens
    request_id: str
    client_request_id: str
    user: str


class Total(msgspec.Struct, kw_only=True, gc=False):
    """The sum of all entries of one provider, model, status and outcome."""

    provider: str
    model: str
    status: int
    outcome: Outcome
    requests: int = 0
    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    reasoning: int = 0


class Ledger:
    """Entries and totals; `file` takes a JSON line for each entry."""

    def __init__(self, file: Path | None = None) -> None:
        self.entries: deque[Entry] = deque(maxlen=MAX_ENTRIES)
        self.totals: dict[tuple[str, str, int, Outcome], Total] = {}
        self.began = 0
        self.ended = 0
        self._file = None
        if file is not None:
            self._file = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def begin(self) -> int:
        """Count a request and return its number, from 1."""
        self.began += 1
        return self.began

    def end(self, entry: Entry) -> None:
        """Take an exchange that has ended."""
        self.ended += 1
        self.entries.append(entry)
        key = (entry.provider, entry.model, entry.status, entry.outcome)
        total = self.totals.get(key)
        if total is None:
            total = self.totals[key] = Total(
                provider=key[0], model=key[1], status=key[2], outcome=key[3]
            )
        used = entry.tokens
        total.requests += 1
        total.input += used.input
        total.output += used.output
        total.cache_read += used.cache_read
        total.cache_write += used.cache_write
        total.reasoning += used.reasoning
        if self._file is not None:
            os.write(self._file, msgspec.json.encode(entry) + b"\n")

    def clear(self) -> None:
        """Forget everything but the file; requests under way are counted when they end."""
        self.entries.clear()
        self.totals.clear()
        self.began -= self.ended
        self.ended = 0

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
