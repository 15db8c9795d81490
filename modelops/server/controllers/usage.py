"""`/api/usage`: what was asked, what it took and what it cost, straight from the books.

Sums, single attempts, and all of them as CSV; an agent's key sees that agent's rows alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from typing import Annotated

import msgspec
from litestar import get
from litestar.params import FromQuery, QueryParameter
from litestar.response import Stream

from modelops.ledger.attempts import AttemptPage
from modelops.ledger.periods import PERIODS, Bucket
from modelops.ledger.reports import UsageReport
from modelops.operations.usage import (
    DEFAULT_PERIOD,
    DIMENSIONS,
    ROWS_DEFAULT,
    UsageQuery,
    attempts,
    export_csv,
    report,
    written_filters,
)
from modelops.resources.errors import ModelopsError
from modelops.server.access import AccessError
from modelops.server.guard import caller_of
from modelops.server.keys import Caller
from modelops.server.pages import LIMIT_DEFAULT, Cursor, Limit
from modelops.server.parts import Parts
from modelops.server.problems import AnyRequest

By = Annotated[
    list[str] | None,
    QueryParameter(
        max_items=len(DIMENSIONS),
        description=f"Group by {', '.join(DIMENSIONS)}; several, apart by commas or repeated.",
    ),
]
Period = Annotated[
    str,
    QueryParameter(description=f"{', '.join(PERIODS)}; {DEFAULT_PERIOD} without `from`."),
]
Since = Annotated[
    str, QueryParameter(name="from", description="A date or time, inclusive.", max_length=40)
]
Until = Annotated[
    str,
    QueryParameter(name="to", description="A date, inclusive, or a time.", max_length=40),
]
Filter = Annotated[
    list[str] | None,
    QueryParameter(
        name="filter",
        max_items=100,
        description="DIMENSION:VALUE that rows must have; several of one are alternatives.",
    ),
]

ROWS_MAX = 20_000
"""Rows of an answer, about 9 MB: they are sorted and written in one go, for which others wait."""

Rows = Annotated[
    int,
    QueryParameter(
        name="limit",
        ge=1,
        le=ROWS_MAX,
        description="Most groups with rows of their own; the others stand together in a last row.",
    ),
]

RequestId = Annotated[
    str,
    QueryParameter(
        max_length=100, description="`x-modelops-request-id` of an answer, without times."
    ),
]

_ROWS = ("period", "from", "to", "filter")
"""The parameters that choose rows."""
_REPEATED = ("by", "filter")


@get("/usage", opt={"agents": True})
async def usage(
    request: AnyRequest,
    runtime: Parts,
    by: By = None,
    period: Period = "",
    since: Since = "",
    until: Until = "",
    bucket: FromQuery[Bucket] = "none",
    filters: Filter = None,
    limit: Rows = ROWS_DEFAULT,
) -> UsageReport:
    """Return a report in the configuration's time zone; an agent's key sees that agent's rows."""
    _require_known(request, *_ROWS, "by", "bucket", "limit")
    query = UsageQuery(
        by=tuple(name for group in by or () for name in group.split(",")),
        period=period,
        since=since,
        until=until,
        bucket=bucket,
        limit=limit,
        filters=_allowed(written_filters(filters or ()), caller_of(request)),
    )
    return await report(runtime.store, query, now_us=runtime.clock.unix_us())


@get("/usage/attempts", opt={"agents": True})
async def list_attempts(
    request: AnyRequest,
    runtime: Parts,
    period: Period = "",
    since: Since = "",
    until: Until = "",
    filters: Filter = None,
    request_id: RequestId = "",
    limit: Limit = LIMIT_DEFAULT,
    cursor: Cursor = None,
) -> AttemptPage:
    """Return single attempts, newest first."""
    _require_known(request, *_ROWS, "request_id", "limit", "cursor")
    query = msgspec.structs.replace(
        _query(request, period, since, until, filters), request_id=request_id
    )
    now_us = runtime.clock.unix_us()
    return await attempts(runtime.store, query, now_us=now_us, limit=limit, cursor=cursor or "")


@get("/usage/export.csv", opt={"agents": True}, media_type="text/csv")
async def export(
    request: AnyRequest,
    runtime: Parts,
    period: Period = "",
    since: Since = "",
    until: Until = "",
    filters: Filter = None,
) -> Stream:
    """Return all attempts as CSV, streamed, newest first; FOCUS column names where they fit."""
    _require_known(request, *_ROWS)
    query = _query(request, period, since, until, filters)
    lines = export_csv(runtime.store, query, now_us=runtime.clock.unix_us())
    header = await anext(lines)  # what is wrong with the query is said before the answer begins

    async def content() -> AsyncIterator[str]:
        yield header
        async for piece in lines:
            yield piece

    return Stream(content, media_type="text/csv")


def _require_known(request: AnyRequest, *known: str) -> None:
    """Raise ModelopsError for a parameter that would be passed over: the sum would be another."""
    for name, count in Counter(each for each, _ in request.query_params.multi_items()).items():
        if name not in known:
            raise ModelopsError(
                f"there is no parameter {name[:100]!r}",
                f"write filter={name}:VALUE"
                if name in DIMENSIONS
                else f"write one of {', '.join(known)}",
            )
        if count > 1 and name not in _REPEATED:
            raise ModelopsError(f"the parameter {name!r} is there {count} times", "write it once")


def _query(
    request: AnyRequest, period: str, since: str, until: str, filters: list[str] | None
) -> UsageQuery:
    """Return what a caller may ask of single attempts."""
    return UsageQuery(
        period=period,
        since=since,
        until=until,
        filters=_allowed(written_filters(filters or ()), caller_of(request)),
    )


def _allowed(filters: dict[str, tuple[str, ...]], caller: Caller) -> dict[str, tuple[str, ...]]:
    """Return the filters of a caller: an agent's are narrowed to itself.

    AccessError when it asks for another: its own numbers would pass for that one's.
    """
    if caller.kind != "agent":
        return filters
    if set(filters.get("agent", ())) - {caller.name}:
        raise AccessError(
            403, f"an agent's key sees its own usage: filter by agent:{caller.name}, or by no agent"
        )
    return filters | {"agent": (caller.name,)}
