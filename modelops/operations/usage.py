"""The usage report: which rows, what the period means, and the document they make."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

import msgspec

from modelops.ledger.periods import Bucket, Span, period_span, written_span, zone
from modelops.ledger.reports import UsageReport, build
from modelops.resources.errors import ModelopsError
from modelops.store.books import Dimension, Selection, UsageStore

DIMENSIONS: tuple[Dimension, ...] = get_args(Dimension)
DEFAULT_PERIOD = "24h"


class UsageQuery(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked: groups, a period or a span as written, buckets, filters.

    `period` is one of ledger.periods.PERIODS, '' with `since`. Filters map a dimension to the
    values it may have.
    """

    by: tuple[str, ...] = ()
    period: str = ""
    since: str = ""
    until: str = ""
    bucket: Bucket = "none"
    filters: Mapping[str, tuple[str, ...]] = {}


async def report(store: UsageStore, query: UsageQuery, *, now_us: int) -> UsageReport:
    """Return the report a query asks for, in the time zone of the store's settings."""
    settings = await store.settings()
    timezone = settings.timezone if settings else "UTC"
    span = _span(query, timezone, now_us)
    groups = await store.usage(
        Selection(
            since_us=span.since_us,
            until_us=span.until_us,
            by=tuple(dimension(name) for name in query.by),
            by_slot=query.bucket != "none",
            filters=_filters(query.filters),
        )
    )
    return build(span, timezone, query.by, query.bucket, groups)


def dimension(name: str) -> Dimension:
    """Return the dimension of this name; ModelopsError when there is none."""
    for known in DIMENSIONS:
        if name == known:
            return known
    raise ModelopsError(
        f"usage cannot be grouped by {name!r}", f"write one of {', '.join(DIMENSIONS)}"
    )


def _filters(written: Mapping[str, tuple[str, ...]]) -> dict[Dimension, tuple[str, ...]]:
    filters = {dimension(name): values for name, values in written.items()}
    for value in filters.get("revision", ()):
        if not (value.isascii() and value.isdecimal() and len(value) < 10):
            raise ModelopsError(f"{value!r} is not a revision", "write a number")
    return filters


def _span(query: UsageQuery, timezone: str, now_us: int) -> Span:
    if query.period and (query.since or query.until):
        raise ModelopsError("a report has a period or from and to, not both", "leave one out")
    if query.until and not query.since:
        raise ModelopsError("a report that ends at a time must begin at one", "add from")
    if query.since:
        return written_span(query.since, query.until, zone(timezone), now_us)
    return period_span(query.period or DEFAULT_PERIOD, zone(timezone), now_us)
