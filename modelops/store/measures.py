"""The arithmetic of the books in SQL: what rows are grouped by, and what each counts for.

`tally.py` is the same arithmetic over rows that are not in a table yet; a test holds the two
together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, FromClause, Text, and_, case, cast, func, literal

from modelops.store.books import Dimension
from modelops.store.sums import MEASURES, Packed, counted, pack
from modelops.store.tables import attempts

_columns = attempts.c
_adjusted = _columns.outcome == "adjusted"
_reached = _columns.outcome.not_in(("refused", "adjusted"))
_succeeded = _columns.outcome == "success"
_cancelled = _columns.outcome == "cancelled"
_fallback = and_(_succeeded, _columns.position > 0)
_reported = _columns.usage_source == "reported"
_priced_later = and_(_adjusted, _columns.error_class == "unpriced")
_no_cost = and_(_reached, _columns.cost_pico.is_(None))

STATUS = case((and_(_columns.final, _fallback), "fallback"), else_=_columns.outcome)
"""The status of a row, as metering.attempt.request_status has it for final ones."""


def _one(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return case((condition, _columns.weight), else_=0)


def _known(value: ColumnElement[int]) -> ColumnElement[int]:
    return func.coalesce(value, 0)


_VALUES: Mapping[str, ColumnElement[int]] = {
    "attempts": _one(_reached),
    "attempts_ok": _one(_succeeded),
    "attempts_cancelled": _one(_cancelled),
    "requests": _one(_columns.final),
    "requests_ok": _one(and_(_columns.final, _succeeded)),
    "requests_fallback": _one(and_(_columns.final, _fallback)),
    "requests_cancelled": _one(and_(_columns.final, _cancelled)),
    "input_tokens": _known(_columns.input_tokens),
    "output_tokens": _known(_columns.output_tokens),
    "cache_read_tokens": _known(_columns.cache_read_tokens),
    "cache_write_tokens": _known(_columns.cache_write_tokens)
    + _known(_columns.cache_write_1h_tokens),
    "reasoning_tokens": _known(_columns.reasoning_tokens),
    "cost_pico": _known(_columns.cost_pico),
    "input_cost_pico": _known(_columns.input_cost_pico),
    "output_cost_pico": _known(_columns.output_cost_pico),
    "estimate_pico": _known(_columns.estimate_pico),
    "unpriced": case(
        (and_(_no_cost, _reported), _columns.weight), (_priced_later, -_columns.weight), else_=0
    ),
    "unmetered": _one(and_(_no_cost, ~_reported)),
    "simulated": _one(_columns.simulated),
    "latency_count": _one(_succeeded),
    "latency_sum_us": case((_succeeded, _columns.latency_us), else_=literal(0)),
    "first_content_count": _one(_columns.first_content_us.is_not(None)),
    "first_content_sum_us": _known(_columns.first_content_us),
}

MONEY_PART = 1_000_000
"""Money is added in two parts, its quotient and its remainder by this: the sum of many 64-bit
numbers may not fit into one."""

MONEY = tuple(name for name in MEASURES if name.endswith("_pico"))
_MONEY_LANES = tuple(map(MEASURES.index, MONEY))

_WEIGHT_PART = 100
"""More than there are buckets in a histogram."""


def _listed(bucket: ColumnElement[Any]) -> ColumnElement[str]:
    weighed = bucket + _WEIGHT_PART * cast(_columns.weight, BigInteger)
    return func.aggregate_strings(cast(weighed, Text), " ")


SUMS: tuple[ColumnElement[Any], ...] = (
    *(
        func.sum(_VALUES[name] % MONEY_PART if name in MONEY else _VALUES[name])
        for name in MEASURES
    ),
    *(func.sum(_VALUES[name] // MONEY_PART) for name in MONEY),
    _listed(case((_succeeded, _columns.latency_bucket))),
    _listed(_columns.first_content_bucket),
)
"""What rows add up to: in the order of sums.MEASURES, of money the remainders; then the quotients;
then the histograms, as text that lists a number for each row, its bucket and weight. By bucket they
were nearly as many groups as there are rows.
"""


def dimensions(table: FromClause) -> dict[Dimension, ColumnElement[Any]]:
    """Return what each dimension is in `attempts`, or in rollups of it."""
    columns = table.c
    return {
        "provider": columns.provider,
        "model": case((columns.provider == "", ""), else_=columns.provider + "/" + columns.model),
        "agent": columns.agent,
        "user": columns.user,
        "chain": columns.chain,
        "revision": columns.revision,
        "status": STATUS if table is attempts else columns.status,
    }


def matches(
    table: FromClause, filters: Mapping[Dimension, tuple[str, ...]]
) -> list[ColumnElement[bool]]:
    """Return the conditions that a row passes these filters."""
    known = dimensions(table)
    return [
        known[name].in_([int(value) for value in values] if name == "revision" else values)
        for name, values in filters.items()
    ]


def packed_sums(values: Sequence[Any]) -> Packed:
    """Return what SUMS found, packed."""
    *sums, latency, first_content = values
    numbers = list(map(int, sums))
    for lane, quotient in zip(_MONEY_LANES, numbers[len(MEASURES) :], strict=True):
        numbers[lane] += quotient * MONEY_PART
    return Packed(pack(numbers[: len(MEASURES)]), _histogram(latency), _histogram(first_content))


def _histogram(listed: str | None) -> int:
    found = 0
    for number, times in Counter((listed or "").split()).items():
        weight, bucket = divmod(int(number), _WEIGHT_PART)
        found += counted(bucket, weight * times)
    return found
