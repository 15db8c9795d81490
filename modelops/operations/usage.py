"""The usage report: which rows, what the period means, and the document they make."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import get_args

import msgspec

from modelops.ledger import labels
from modelops.ledger.attempts import AttemptPage, csv_header, csv_lines, decode_cursor, page
from modelops.ledger.periods import Bucket, Span, period_span, written_span, zone
from modelops.ledger.reports import UsageReport, build
from modelops.resources.errors import ModelopsError
from modelops.store.books import AttemptCursor, Dimension, Selection, UsageStore

DIMENSIONS: tuple[Dimension, ...] = get_args(Dimension)
DEFAULT_PERIOD = "24h"
EXPORTED_AT_ONCE = 1_000


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
    asked = labels.dimensions(query.by)
    groups = await store.usage(
        Selection(
            since_us=span.since_us,
            until_us=span.until_us,
            by=tuple(dimension(name) for name in asked),
            by_slot=query.bucket != "none",
            filters=_filters(query.filters),
        )
    )
    if asked != query.by:
        groups = labels.fold(query.by, groups, await store.agent_labels())
    return build(span, timezone, query.by, query.bucket, groups)


async def attempts(
    store: UsageStore, query: UsageQuery, *, now_us: int, limit: int = 100, cursor: str = ""
) -> AttemptPage:
    """Return a page of single attempts, newest first; groups and buckets are passed over."""
    selection = await _selection(store, query, now_us)
    after = decode_cursor(cursor) if cursor else None
    return page(await store.list_attempts(selection, limit + 1, after), limit)


async def export_csv(store: UsageStore, query: UsageQuery, *, now_us: int) -> AsyncIterator[str]:
    """Yield all attempts of a query as CSV, a thousand lines at a time, newest first."""
    selection = await _selection(store, query, now_us)
    yield csv_header()
    after = None
    while found := await store.list_attempts(selection, EXPORTED_AT_ONCE, after):
        yield csv_lines(found)
        after = AttemptCursor(found[-1].started_at_us, found[-1].attempt_id)


async def _selection(store: UsageStore, query: UsageQuery, now_us: int) -> Selection:
    settings = await store.settings()
    span = _span(query, settings.timezone if settings else "UTC", now_us)
    filters = _filters(query.filters)
    return Selection(since_us=span.since_us, until_us=span.until_us, filters=filters)


def dimension(name: str) -> Dimension:
    """Return the dimension of this name; ModelopsError when there is none."""
    for known in DIMENSIONS:
        if name == known:
            return known
    raise ModelopsError(
        f"usage cannot be grouped by {name!r}",
        f"write one of {', '.join(DIMENSIONS)}, or label.NAME",
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
