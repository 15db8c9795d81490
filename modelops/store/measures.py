"""The arithmetic of the books in SQL: what is grouped by, what is added up, what is counted.

Reports and rollups use the same expressions, so a report over rollups is the report over the
attempts they were made from.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, case, func, literal

from modelops.store.books import Dimension
from modelops.store.tables import MONEY, MONEY_PART, attempts

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


def model_name(provider: ColumnElement[str], model: ColumnElement[str]) -> ColumnElement[str]:
    """Return provider/model, '' for a request that reached none."""
    return case((provider == "", ""), else_=provider + "/" + model)


DIMENSIONS: dict[Dimension, ColumnElement[str] | ColumnElement[int]] = {
    "provider": _columns.provider,
    "model": model_name(_columns.provider, _columns.model),
    "agent": _columns.agent,
    "user": _columns.user,
    "chain": _columns.chain,
    "revision": _columns.revision,
    "status": STATUS,
}

DURATIONS = (
    ("latency", _columns.latency_bucket, _succeeded),
    ("first_content", _columns.first_content_bucket, _columns.first_content_us.is_not(None)),
)
"""Each histogram: its name, the bucket of a row, and which rows count."""


def matches(dimension: Dimension, values: tuple[str, ...]) -> ColumnElement[bool]:
    """Return the condition that a row has one of these values."""
    if dimension == "revision":
        return _columns.revision.in_([int(value) for value in values])
    return DIMENSIONS[dimension].in_(values)


def summed() -> list[ColumnElement[int]]:
    """Return the aggregates of attempts, in the order of tables.SUMMED."""
    money = [part for name in MONEY for part in _parts(_columns[name])]
    return [
        _count(_reached),
        _count(_succeeded),
        _count(_cancelled),
        _count(_columns.final),
        _count(and_(_columns.final, _succeeded)),
        _count(and_(_columns.final, _fallback)),
        _count(and_(_columns.final, _cancelled)),
        _total(_columns.input_tokens),
        _total(_columns.output_tokens),
        _total(_columns.cache_read_tokens),
        _total(_columns.cache_write_tokens) + _total(_columns.cache_write_1h_tokens),
        _total(_columns.reasoning_tokens),
        _count(and_(_no_cost, _reported)) - _count(_priced_later),
        _count(and_(_no_cost, ~_reported)),
        _count(_columns.simulated),
        _count(_succeeded),
        _total(case((_succeeded, _columns.latency_us), else_=literal(0))),
        _count(_columns.first_content_us.is_not(None)),
        _total(_columns.first_content_us),
        *money,
    ]


def _count(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return _total(case((condition, _columns.weight), else_=0))


def _total(value: ColumnElement[int]) -> ColumnElement[int]:
    return func.coalesce(func.sum(value), 0)


def _parts(amount: ColumnElement[int]) -> tuple[ColumnElement[int], ColumnElement[int]]:
    return _total(amount // MONEY_PART), _total(amount % MONEY_PART)
