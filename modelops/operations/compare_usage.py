"""Two revisions side by side: what the requests of each cost, how long they took, what failed."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Decimal

import msgspec

from modelops.ledger.reports import Measures, UsageRow
from modelops.operations.usage import UsageQuery, report
from modelops.resources.errors import ModelopsError
from modelops.store.books import UsageStore

DEFAULT_PERIOD = "30d"
_CENT_OF_A_MICRODOLLAR = Decimal("1e-8")


class RevisionUsage(msgspec.Struct, frozen=True, kw_only=True):
    """What was served under one revision.

    `cost_per_request_usd` is of the requests whose cost is known, rounded to 1e-8 USD; None where
    there is none. `error_rate` is the share of requests that were not served, leaving out what the
    client cancelled.
    """

    revision: int
    git_commit: str
    usage: Measures
    cost_per_request_usd: str | None
    error_rate: float | None


class UsageComparison(msgspec.Struct, frozen=True, kw_only=True):
    """The same span of time under two revisions; times as in a report."""

    since: str
    until: str
    before: RevisionUsage
    after: RevisionUsage


async def compare(
    store: UsageStore, first: int, second: int, query: UsageQuery, *, now_us: int
) -> UsageComparison:
    """Return what two revisions served in a span; ModelopsError where one served nothing."""
    wanted = msgspec.structs.replace(
        query, by=("revision",), filters={"revision": (str(first), str(second))}
    )
    found = await report(store, wanted, now_us=now_us)
    rows = {row.key["revision"]: row for row in found.rows}
    for number in (first, second):
        if str(number) not in rows:
            raise ModelopsError(
                f"revision {number} served nothing from {found.since} to {found.until}",
                "`modelops usage --by revision` shows which did; name a longer --period",
            )
    return UsageComparison(
        since=found.since,
        until=found.until,
        before=_side(first, rows[str(first)], found.commits),
        after=_side(second, rows[str(second)], found.commits),
    )


def _side(revision: int, row: UsageRow, commits: Mapping[str, str]) -> RevisionUsage:
    each = None
    known = row.requests - row.unpriced - row.unmetered  # few of these attempts end no request
    if row.cost_usd is not None and known > 0:
        exact = Decimal(row.cost_usd) / known
        each = f"{exact.quantize(_CENT_OF_A_MICRODOLLAR, ROUND_HALF_EVEN):f}"
    fields = {name: getattr(row, name) for name in Measures.__struct_fields__}
    return RevisionUsage(
        revision=revision,
        git_commit=commits.get(str(revision), ""),
        usage=Measures(**fields),
        cost_per_request_usd=each,
        error_rate=None if row.success_rate is None else round(1 - row.success_rate, 4),
    )
