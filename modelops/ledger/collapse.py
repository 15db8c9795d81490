"""Rows that are alike become one: what a journal does when it has no room for all of them.

Pure. A collapsed row stands for the attempts of one minute that differ in nothing the books count
by. Its usage, cost and durations are their sums and its `weight` is their number, so every report
over it is the report over them, percentiles included: only durations of one bucket
(metering/histogram.py) are put together. Lost are single times and ids, and error messages.

If most rows have different users, merging them by minute saves little. Then rows that differ in
more are merged, stage by stage (STAGES), and say so. Rows are never merged across what cost is
reported by: provider, model, agent, chain, revision, outcome.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import msgspec

from modelops.metering.attempt import Attempt, Cost, Usage
from modelops.metering.histogram import bucket_of
from modelops.resources.times import DAY_US, MINUTE_US
from modelops.store.books import SLOT_US


class Stage(NamedTuple):
    """What rows must have in common to become one, besides what the cost is asked of.

    `message` says in the merged rows, in place of an error message, what they no longer tell.
    """

    unit_us: int
    by_user: bool
    by_duration: bool
    message: str


STAGES = (
    Stage(MINUTE_US, True, True, ""),
    Stage(MINUTE_US, False, True, "collapsed: users not kept"),
    Stage(SLOT_US, False, True, "collapsed: users and minutes not kept"),
    Stage(DAY_US, False, False, "collapsed: users, hours and percentiles not kept"),
)
"""Finest first. A slot is what rollups are kept by; days are those of UTC."""

_STAGE_OF = {stage.message: number for number, stage in enumerate(STAGES)}

_LARGEST = (*(2**62 - 1,) * 12, 2**31 - 1, 2**31 - 1)
"""What columns and rollups hold, in the order of _amounts: rollups add two of a row's."""

Amounts = tuple[int | None, ...]
Key = tuple[Any, ...]
"""The number of a stage, and what rows have in common at it."""

Collapsed = dict[Key, tuple[Attempt, Amounts]]
"""The first attempt of each group, and what the whole group adds up to."""


def collapse(row: Attempt, into: Collapsed, stage: int = 0) -> None:
    """Add a row to those that are like it at a stage, or at the later one that it came from."""
    key, amounts = _key(row, max(stage, _stage_of(row))), _amounts(row)
    while found := into.get(key):
        sums = tuple(
            None if one is None or other is None else one + other
            for one, other in zip(found[1], amounts, strict=True)
        )
        if all(sum_ is None or sum_ <= most for sum_, most in zip(sums, _LARGEST, strict=True)):
            into[key] = (found[0], sums)
            return
        key = (*key, "another")  # a column could not hold both
    into[key] = (row, amounts)


def rows(collapsed: Collapsed) -> Iterator[Attempt]:
    """Yield a row for each group: the row itself, where it is the only one."""
    for (stage, *_), (first, sums) in collapsed.items():
        yield first if sums[-1] == first.weight else _row(first, sums, STAGES[stage])


def collapsed_to(waiting: Iterable[Attempt], most: int) -> list[Attempt]:
    """Return rows put together, stage by stage, until no more than `most` are left of them."""
    left = list(waiting)
    for stage in range(len(STAGES)):
        if len(left) <= most:
            break
        left = at_stage(left, stage)
    return left


def at_stage(waiting: Iterable[Attempt], stage: int) -> list[Attempt]:
    """Return rows put together at a stage."""
    collapsed: Collapsed = {}
    for row in waiting:
        collapse(row, collapsed, stage)
    return list(rows(collapsed))


def unit_us(row: Attempt) -> int:
    """Return the length of the time unit that a row stands for; a minute for one attempt."""
    return STAGES[_stage_of(row)].unit_us


def _stage_of(row: Attempt) -> int:
    return _STAGE_OF.get(row.message, 0) if row.weight > 1 else 0


def _key(row: Attempt, number: int) -> Key:
    """Return what rows must share; an adjustment, which names what it corrects, is never merged."""
    stage = STAGES[number]
    return (
        number,
        row.attempt_id if row.outcome == "adjusted" else "",
        row.started_at_us // stage.unit_us,
        row.revision,
        row.agent,
        row.user if stage.by_user else "",
        row.chain,
        row.position,
        row.provider,
        row.model,
        row.endpoint,
        row.protocol,
        row.stream,
        row.service_tier,
        row.usage.source,
        row.cost.source,
        row.outcome,
        row.status,
        row.error_class,
        row.finish_reason,
        row.final,
        row.simulated,
        _buckets(row) if stage.by_duration else (),
        tuple(amount is None for amount in _amounts(row)),
    )


def _buckets(row: Attempt) -> tuple[int | None, int | None]:
    weight, first_content_us = row.weight, row.first_content_us
    return (
        bucket_of(row.latency_us // weight) if row.outcome == "success" else None,
        None if first_content_us is None else bucket_of(first_content_us // weight),
    )


def _amounts(row: Attempt) -> Amounts:
    """Return what is added up."""
    usage, cost = row.usage, row.cost
    return (
        usage.input_tokens,
        usage.output_tokens,
        usage.cache_read_tokens,
        usage.cache_write_tokens,
        usage.cache_write_1h_tokens,
        usage.reasoning_tokens,
        cost.total_pico,
        cost.input_pico,
        cost.output_pico,
        cost.estimate_pico,
        row.latency_us,
        row.first_content_us,
        usage.billed_tool_calls,
        row.weight,
    )


def _row(first: Attempt, sums: Amounts, stage: Stage) -> Attempt:
    """Return the row that stands for a group of several."""
    (tokens_in, tokens_out, cache_read, cache_write, cache_write_1h, reasoning) = sums[:6]
    (total, part_in, part_out, estimate, latency, first_content, tool_calls, weight) = sums[6:]
    return msgspec.structs.replace(
        first,
        client_request_id="",
        user=first.user if stage.by_user else "",
        usage=Usage(
            source=first.usage.source,
            input_tokens=tokens_in,
            output_tokens=tokens_out,
            cache_read_tokens=cache_read,
            cache_write_tokens=cache_write,
            cache_write_1h_tokens=cache_write_1h,
            reasoning_tokens=reasoning,
            billed_tool_calls=tool_calls,
        ),
        cost=Cost(
            source=first.cost.source,
            total_pico=total,
            input_pico=part_in,
            output_pico=part_out,
            estimate_pico=estimate,
        ),
        latency_us=latency,
        first_content_us=first_content,
        message=stage.message,
        weight=weight,
    )
