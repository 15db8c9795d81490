"""Two revisions side by side: what the requests of each cost, how long they took, what failed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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

    `cost_per_request_usd` is of the requests whose last attempt has a known cost, rounded to 1e-8
    USD, None where there is none; exact but for failed requests (`_known`). `error_rate` is the
    share of requests that were not served, leaving out what the client cancelled.
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
    by_status = msgspec.structs.replace(wanted, by=("revision", "status"))
    ended = (await report(store, by_status, now_us=now_us)).rows
    rows = {row.key["revision"]: row for row in found.rows}
    for number in (first, second):
        if str(number) not in rows:
            if not any(made.revision == number for made in await store.revisions(1, number + 1)):
                raise ModelopsError(
                    f"there is no revision {number}", "`modelops history` lists them"
                )
            raise ModelopsError(
                f"revision {number} served nothing from {found.since} to {found.until}",
                "`modelops usage --by revision` shows which did; name a longer --period",
            )
    return UsageComparison(
        since=found.since,
        until=found.until,
        before=_side(first, rows[str(first)], _known(first, ended), found.commits),
        after=_side(second, rows[str(second)], _known(second, ended), found.commits),
    )


def _known(revision: int, rows: Iterable[UsageRow]) -> int:
    """Return of how many requests the last attempt has a known cost, from rows by status.

    Refused requests had no attempt. The sums do not tell which attempts without a cost were the
    last. Those that served always are; of the others, as many as can be are taken for earlier ones.
    """
    known = 0
    for row in rows:
        if row.key.get("revision") == str(revision) and row.key["status"] != "refused":
            without = row.unpriced + row.unmetered  # below 0 for those that were priced later
            earlier = max(row.attempts - row.requests, 0)
            known += row.requests - max(without - earlier, min(without, 0))
    return known


def _side(revision: int, row: UsageRow, known: int, commits: Mapping[str, str]) -> RevisionUsage:
    each = None
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
