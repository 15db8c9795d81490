"""The usage report: which rows, what the period means, and the document they make.

Whoever has only a viewer's key asks a running server for the same document, at `/api/usage`.
"""

from __future__ import annotations

import asyncio
import difflib
import re
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import get_args
from urllib.parse import urlencode

import msgspec

from modelops.ledger import labels
from modelops.ledger.attempts import AttemptPage, decode_cursor, page
from modelops.ledger.export import csv_header, csv_lines
from modelops.ledger.periods import Bucket, Span, bucket_starts, period_span, written_span, zone
from modelops.ledger.reports import UsageReport, build
from modelops.metering.attempt import Status
from modelops.resources.errors import ModelopsError
from modelops.resources.times import DAY_US, MINUTE_US
from modelops.store.books import AttemptCursor, Dimension, Selection, UsageStore
from modelops.store.remote import RemoteStore

DIMENSIONS: tuple[Dimension, ...] = get_args(Dimension)
STATUSES: tuple[Status, ...] = get_args(Status)
DEFAULT_PERIOD = "24h"
EXPORTED_AT_ONCE = 1_000
_NAMED: frozenset[Dimension] = frozenset(("provider", "model", "agent", "chain"))
"""What has names that somebody declared, so there are few, and they may be misspelt."""
ROWS_DEFAULT = 10_000
"""Rows of a report that asks for no other number: about 5 MB of JSON."""
REVISIONS_AT_ONCE = 500

_REQUEST_ID = re.compile("[0-9a-f]{32}")
_CLOCK_STEP_US = MINUTE_US
_REQUEST_US = DAY_US
"""By which time the last attempt of a request has begun, whatever its deadline."""


class UsageQuery(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked: groups, a period or a span as written, buckets, filters.

    `period` is one of ledger.periods.PERIODS, '' with `since`. Filters map a dimension to the
    values it may have. A `request_id` chooses single attempts, of whatever time. The
    `limit` dearest groups have rows of their own.
    """

    by: tuple[str, ...] = ()
    period: str = ""
    since: str = ""
    until: str = ""
    bucket: Bucket = "none"
    filters: Mapping[str, tuple[str, ...]] = {}
    request_id: str = ""
    limit: int = ROWS_DEFAULT


async def report(store: UsageStore | RemoteStore, query: UsageQuery, *, now_us: int) -> UsageReport:
    """Return the report a query asks for, in the time zone of the store's settings.

    A server works it out itself, by its own clock, and narrows it to what the key may see.
    """
    if isinstance(store, RemoteStore):
        return await store.ask("GET", f"/api/usage?{_as_parameters(query)}", None, UsageReport)
    settings = await store.settings()
    timezone = settings.timezone if settings else "UTC"
    span = _span(query, timezone, now_us)
    by = tuple(dict.fromkeys(query.by))
    asked = labels.dimensions(by)
    spans = await store.agent_labels() if asked != by else ()
    by_label = asked != by and "revision" not in by
    versions = labels.label_versions(by, spans) if by_label else None
    groups = await store.usage(
        Selection(
            since_us=span.since_us,
            until_us=span.until_us,
            by=tuple(dimension(name) for name in asked),
            label_versions=versions,
            starts=tuple(bucket_starts(span, query.bucket, zone(timezone))),
            filters=known_filters(query.filters),
        )
    )

    def work_out() -> UsageReport:
        named = labels.fold(by, groups, spans) if asked != by else groups
        return build(span, timezone, by, query.bucket, named, query.limit)

    # in a thread, because a server has other things to do: 10 us a row, 3 us a group
    found = await asyncio.to_thread(work_out)
    if "revision" not in by:
        return found
    return msgspec.structs.replace(found, commits=await commits(store, found))


def _as_parameters(query: UsageQuery) -> str:
    """Return a query as `GET /api/usage` reads it."""
    written: dict[str, str | int | list[str]] = {
        "by": [",".join(query.by)] if query.by else [],
        "period": query.period,
        "from": query.since,
        "to": query.until,
        "bucket": query.bucket,
        "filter": [f"{name}:{value}" for name, values in query.filters.items() for value in values],
        "limit": query.limit,
    }
    return urlencode(written, doseq=True, errors="backslashreplace")  # of an argument not in UTF-8


async def without_rows(
    store: UsageStore | RemoteStore, query: UsageQuery, *, now_us: int
) -> list[str]:
    """Say of each name that is filtered by and has no row in the span which names are like it."""
    said = []
    for name in sorted(_NAMED & query.filters.keys()):
        whole = msgspec.structs.replace(
            query, by=(name,), filters={}, bucket="none", limit=ROWS_DEFAULT
        )
        rows = (await report(store, whole, now_us=now_us)).rows
        known = {row.key.get(name, "") for row in rows}
        for value in query.filters[name]:
            if value not in known:
                near = difflib.get_close_matches(value, sorted(known - {""}), n=3, cutoff=0.4)
                ask = f"; did you mean {' or '.join(near)}?" if near else ""
                said.append(f"there is no row of {name} {value!r} in this time{ask}")
    return said


async def commits(store: UsageStore, found: UsageReport) -> dict[str, str]:
    """Return the git commit of every revision in a report, newest first."""
    wanted = {int(row.key["revision"]) for row in found.rows if row.key}
    named: dict[str, str] = {}
    before = max(wanted, default=0) + 1
    while before > min(wanted, default=before):
        page = await store.revisions(REVISIONS_AT_ONCE, before)
        named |= {str(m.revision): m.info.git_commit for m in page if m.revision in wanted}
        before = page[-1].revision if page else 0
    return named


async def attempts(
    store: UsageStore, query: UsageQuery, *, now_us: int, limit: int = 100, cursor: str = ""
) -> AttemptPage:
    """Return a page of single attempts, newest first; groups and buckets are passed over."""
    chosen = await selection(store, query, now_us)
    after = decode_cursor(cursor) if cursor else None
    return page(await store.list_attempts(chosen, limit + 1, after), limit)


async def export_csv(store: UsageStore, query: UsageQuery, *, now_us: int) -> AsyncIterator[str]:
    """Yield all attempts of a query as CSV, a thousand lines at a time, newest first."""
    chosen = await selection(store, query, now_us)
    found = await store.list_attempts(chosen, EXPORTED_AT_ONCE)  # or say why not
    yield csv_header()
    while found:
        yield await asyncio.to_thread(csv_lines, found)  # 25 us a row
        after = AttemptCursor(found[-1].started_at_us, found[-1].attempt_id)
        found = await store.list_attempts(chosen, EXPORTED_AT_ONCE, after)


async def selection(store: UsageStore, query: UsageQuery, now_us: int) -> Selection:
    """Return the rows that a query chooses, in the time zone of the store's settings."""
    if query.request_id:
        return _of_request(query)
    settings = await store.settings()
    span = _span(query, settings.timezone if settings else "UTC", now_us)
    filters = known_filters(query.filters)
    return Selection(since_us=span.since_us, until_us=span.until_us, filters=filters)


def _of_request(query: UsageQuery) -> Selection:
    """Return the rows of a request, near the time that its id begins with: no index names them."""
    if not _REQUEST_ID.fullmatch(query.request_id) or query.period or query.since or query.until:
        raise ModelopsError(
            f"{query.request_id[:100]!r} chooses no request",
            "write the 32 digits of x-modelops-request-id, without a period or times",
        )
    made_us = int(query.request_id[:12], 16) * 1000
    return Selection(
        since_us=made_us - _CLOCK_STEP_US,
        until_us=made_us + _REQUEST_US,
        filters=known_filters(query.filters),
        request_id=query.request_id,
    )


def written_filters(written: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return filters that are written as NAME:VALUE; several of a name are alternatives."""
    values: dict[str, tuple[str, ...]] = {}
    for item in written:
        name, colon, value = item.partition(":")
        if not colon:
            raise ModelopsError(f"the filter {item[:100]!r} has no value", "write NAME:VALUE")
        values[name] = (*values.get(name, ()), value)
    return values


def dimension(name: str) -> Dimension:
    """Return the dimension of this name; ModelopsError when there is none."""
    known = _dimension(name)
    if known is None:
        raise ModelopsError(
            f"usage cannot be grouped by {name!r}",
            f"write one of {', '.join(DIMENSIONS)}, or label.NAME",
        )
    return known


def _dimension(name: str) -> Dimension | None:
    return next((known for known in DIMENSIONS if name == known), None)


def known_filters(written: Mapping[str, tuple[str, ...]]) -> dict[Dimension, tuple[str, ...]]:
    """Return filters as a store takes them; ModelopsError for what cannot be filtered by."""
    filters: dict[Dimension, tuple[str, ...]] = {}
    for name, values in written.items():
        known = _dimension(name)
        if known is None:
            raise ModelopsError(
                f"usage cannot be filtered by {name!r}", f"write one of {', '.join(DIMENSIONS)}"
            )
        if any("\0" in value for value in values):
            raise ModelopsError(f"no {name} has a NUL in it", "leave it out")
        filters[known] = values
    for value in filters.get("revision", ()):
        if not (value.isascii() and value.isdecimal() and len(value) < 10):
            raise ModelopsError(f"{value!r} is not a revision", "write a number")
    for value in filters.get("status", ()):
        if value not in STATUSES:
            raise ModelopsError(
                f"{value[:100]!r} is not a status", f"write one of {', '.join(STATUSES)}"
            )
    return filters


def _span(query: UsageQuery, timezone: str, now_us: int) -> Span:
    if query.period and (query.since or query.until):
        raise ModelopsError("a report has a period or from and to, not both", "leave one out")
    if query.until and not query.since:
        raise ModelopsError("a report that ends at a time must begin at one", "add from")
    if query.since:
        return written_span(query.since, query.until, zone(timezone), now_us)
    return period_span(query.period or DEFAULT_PERIOD, zone(timezone), now_us)
