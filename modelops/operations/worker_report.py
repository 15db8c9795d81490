"""What one worker says of itself beside its revision: JSON in its row of the store.

Counts only ever rise while a worker lives. Times are Unix microseconds, durations microseconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

import msgspec

TargetState = Literal["ok", "cooling", "half_open", "open"]
TARGET_STATES: tuple[TargetState, ...] = get_args(TargetState)
"""From best to worst: of several workers, the worst one counts."""


class TargetReport(msgspec.Struct, frozen=True, kw_only=True):
    """What one worker has seen of one model, as provider/model, in the last five minutes.

    `endpoints` are those for which alone it cools: a model may be missing at one and not at others;
    none: for all. `next_try_s` counts from when the worker said so. Times are Unix microseconds, 0
    for never.
    """

    target: str
    state: TargetState
    calls: int
    failures: int
    endpoints: tuple[str, ...] = ()
    next_try_s: float = 0.0
    last_error: str = ""
    last_error_at_us: int = 0


class Histogram(msgspec.Struct, frozen=True):
    """Durations counted by the buckets of `server.counters`, and their sum in microseconds."""

    counts: tuple[int, ...]
    sum_us: int


class TargetCounts(msgspec.Struct, frozen=True, kw_only=True):
    """What one worker has counted of one model, as provider/model, since it started."""

    target: str
    attempts: Mapping[str, int]
    input_tokens: int
    output_tokens: int
    cost_pico: int
    latency: Histogram
    first_content: Histogram


class WorkerReport(msgspec.Struct, frozen=True, kw_only=True):
    """What one worker knows beside its revision. `broken` says by provider why it is unusable.

    `rejected` counts by provider the keys, its own and agents', that it did not take last.
    `requests` counts by status since the worker started, `counts` by target, `refused` by code
    those that were refused, with a row or without; `overhead` is the time that answered requests
    took without that of their providers.
    `clock_steps` counts how often the wall clock was set, `clock_error` tells of it for an hour.
    `waiting` rows are not in the store yet, `collapsed` ones gave up their detail for want of room,
    not their sums, `lost` ones never will be in the store; `books_error` says why.
    """

    targets: tuple[TargetReport, ...] = ()
    broken: Mapping[str, str] = {}
    rejected: Mapping[str, int] = {}
    waiting: int = 0
    collapsed: int = 0
    lost: int = 0
    clock_steps: int = 0
    clock_error: str = ""
    books_error: str = ""
    simulated: bool = False
    requests: Mapping[str, int] = {}
    refused: Mapping[str, int] = {}
    overhead: Histogram = Histogram((), 0)
    counts: tuple[TargetCounts, ...] = ()
