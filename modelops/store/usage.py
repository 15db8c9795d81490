"""Adding up the books in SQL.

Three queries per report: the sums of each group, and two that count its durations by bucket.
Money is added in two parts, because the sum of many 64-bit numbers may not fit into one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Label, Row, Select, and_, case, func, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection

from modelops.store.books import SLOT_US, Dimension, Selection, Sums, UsageGroup
from modelops.store.tables import attempts

_MONEY_PART = 1_000_000
_MONEY = ("cost_pico", "input_cost_pico", "output_cost_pico", "estimate_pico")
_TOKENS = (
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
)

_columns = attempts.c
_reached = _columns.outcome != "refused"
_succeeded = _columns.outcome == "success"
_fallback = and_(_succeeded, _columns.position > 0)
_metered = _columns.usage_source == "reported"

_STATUS = case((and_(_columns.final, _fallback), "fallback"), else_=_columns.outcome)
_DIMENSIONS: dict[Dimension, ColumnElement[str] | ColumnElement[int]] = {
    "provider": _columns.provider,
    "model": case((_columns.provider == "", ""), else_=_columns.provider + "/" + _columns.model),
    "agent": _columns.agent,
    "user": _columns.user,
    "chain": _columns.chain,
    "revision": _columns.revision,
    "status": _STATUS,
}


async def sums(connection: AsyncConnection, selection: Selection) -> list[UsageGroup]:
    """Return the sums of every group that has a row."""
    groups: dict[tuple[str | int, ...], Sums] = {}
    width = len(selection.by) + selection.by_slot
    for row in await connection.execute(_grouped(selection, _measures())):
        groups[tuple(row[:width])] = _sums(row, width)
    for field, bucket, condition in (
        ("latency", _columns.latency_bucket, _succeeded),
        ("first_content", _columns.first_content_bucket, _columns.first_content_us.is_not(None)),
    ):
        query = _grouped(selection, [bucket.label("bucket"), func.count()])
        for row in await connection.execute(query.where(condition).group_by(bucket)):
            counts: dict[int, int] = getattr(groups[tuple(row[:width])], field)
            counts[row[width]] = row[width + 1]
    return [_group(key, found, selection) for key, found in groups.items()]


def _group(key: tuple[str | int, ...], found: Sums, selection: Selection) -> UsageGroup:
    slot = int(key[-1]) if selection.by_slot else None
    values = key[:-1] if selection.by_slot else key
    return UsageGroup(key=tuple(str(value) for value in values), slot=slot, sums=found)


def _grouped(
    selection: Selection, measures: Sequence[ColumnElement[int]]
) -> Select[*tuple[Any, ...]]:
    keys: list[ColumnElement[str] | ColumnElement[int]] = [
        _DIMENSIONS[dimension] for dimension in selection.by
    ]
    if selection.by_slot:
        keys.append(_columns.started_at_us // SLOT_US)
    labels: list[Label[str] | Label[int]] = [
        key.label(f"key_{number}") for number, key in enumerate(keys)
    ]
    return (
        select(*labels, *measures)
        .where(
            _columns.started_at_us >= selection.since_us,
            _columns.started_at_us < selection.until_us,
            *(_matches(dimension, values) for dimension, values in selection.filters.items()),
        )
        .group_by(*labels)
    )


def _matches(dimension: Dimension, values: tuple[str, ...]) -> ColumnElement[bool]:
    if dimension == "revision":
        return _columns.revision.in_([int(value) for value in values])
    return _DIMENSIONS[dimension].in_(values)


def _count(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)


def _total(
    column: ColumnElement[int], condition: ColumnElement[bool] | None = None
) -> ColumnElement[int]:
    return func.coalesce(
        func.sum(column if condition is None else case((condition, column), else_=literal(0))), 0
    )


def _measures() -> list[ColumnElement[int]]:
    """Return the aggregates, in the order in which `_sums` reads them."""
    cancelled = _columns.outcome == "cancelled"
    final = _columns.final
    return [
        _count(_reached),
        _count(_succeeded),
        _count(cancelled),
        _count(final),
        _count(and_(final, _succeeded)),
        _count(and_(final, _fallback)),
        _count(and_(final, cancelled)),
        *(_total(_columns[name]) for name in _TOKENS),
        _count(and_(_reached, _metered, _columns.cost_pico.is_(None))),
        _count(and_(_reached, ~_metered, _columns.cost_pico.is_(None))),
        _count(_columns.simulated),
        _count(_succeeded),
        _total(_columns.latency_us, _succeeded),
        func.count(_columns.first_content_us),
        _total(_columns.first_content_us),
        *(_total(_columns[name] // _MONEY_PART) for name in _MONEY),
        *(_total(_columns[name] % _MONEY_PART) for name in _MONEY),
    ]


_FIELDS = (
    "attempts",
    "attempts_ok",
    "attempts_cancelled",
    "requests",
    "requests_ok",
    "requests_fallback",
    "requests_cancelled",
    *_TOKENS,
    "unpriced",
    "unmetered",
    "simulated",
    "latency_count",
    "latency_sum_us",
    "first_content_count",
    "first_content_sum_us",
)


def _sums(row: Row[*tuple[Any, ...]], start: int) -> Sums:
    values = [int(value) for value in row[start:]]
    counted = dict(zip(_FIELDS, values, strict=False))
    large, small = values[len(_FIELDS) :][: len(_MONEY)], values[-len(_MONEY) :]
    money = {
        name: whole * _MONEY_PART + rest
        for name, whole, rest in zip(_MONEY, large, small, strict=True)
    }
    return msgspec.convert({**counted, **money}, Sums)
