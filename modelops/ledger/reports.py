"""Reports: what the books say of a span of time, in all, by group, and over time.

Pure: the sums come from the store, everything that cannot be added up (rates, means, percentiles)
is worked out here, last. The same frozen document is printed by `modelops usage` and answered by
`GET /api/usage`.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

import msgspec

from modelops.ledger.periods import Bucket, Span, bucket_starts, from_us, zone
from modelops.metering.attempt import PICO_PER_USD
from modelops.metering.histogram import percentiles
from modelops.resources.errors import ModelopsError
from modelops.store.books import UsageGroup
from modelops.store.sums import Packed, add_up, consecutive

Key = TypeVar("Key")
Names = tuple[str, ...]
"""The values of a group."""

_OTHERS: Names = ()
"""All groups that have no row of their own."""

MAX_SERIES = 20_000
"""Points in one report: about 10 MB of JSON."""

_PER_TARGET = {"provider", "model"}
"""Grouped by one of these, rates are over attempts; otherwise over requests."""


class Distribution(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Durations in milliseconds; percentiles are exact to a tenth (metering/histogram.py)."""

    mean: float
    p50: float
    p95: float


class Measures(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What is said of every group.

    Money is USD, as an exact decimal string without an exponent. A `None` cost: there were attempts
    and none of them has one. `unsplit_cost_usd` is the cost whose parts the provider did not name:
    input, output and it always add up to the cost. `estimate_usd` is for calls without a usage
    report and for service tiers without a price and stands beside the cost, not inside it.
    `unpriced` attempts reported usage but have no price, `unmetered` ones reported none.
    `success_rate` leaves out what the client cancelled; `fallback_rate` is the share of served
    requests that another target than the first served. Latency is that of successful attempts.
    """

    requests: int
    attempts: int
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    reasoning_tokens: int
    cost_usd: str | None
    input_cost_usd: str | None
    output_cost_usd: str | None
    unsplit_cost_usd: str | None
    estimate_usd: str
    unpriced: int
    unmetered: int
    simulated: int
    success_rate: float | None
    fallback_rate: float | None
    latency_ms: Distribution | None
    first_content_ms: Distribution | None


class UsageRow(Measures, frozen=True, kw_only=True, gc=False):
    """One group; `key` maps each dimension of the report to this group's value.

    Without any value it is all the others as one.
    """

    key: Mapping[str, str]


class UsagePoint(UsageRow, frozen=True, kw_only=True, gc=False):
    """One group in one bucket; `start` is ISO 8601 with the zone's offset."""

    start: str


class UsageReport(msgspec.Struct, frozen=True, kw_only=True):
    """A report. `since` is inclusive and `until` exclusive, ISO 8601 with the zone's offset.

    `rows` are sorted by cost, dearest first; where there are more groups than asked for, `others`
    of them stand together in the last row, so that rows always add up to the totals. `series` has a
    point for every bucket and row. `commits` names the git commit of every revision that a report
    by revision shows, '' where there is none.
    """

    since: str
    until: str
    timezone: str
    by: tuple[str, ...]
    bucket: Bucket
    totals: Measures
    rows: tuple[UsageRow, ...]
    others: int
    series: tuple[UsagePoint, ...]
    commits: Mapping[str, str] = {}


def build(
    span: Span,
    timezone: str,
    by: tuple[str, ...],
    bucket: Bucket,
    groups: Sequence[UsageGroup],
    limit: int,
) -> UsageReport:
    """Return the report of these groups, so many of them in rows of their own.

    They carry the start of theirs when there is a bucket. Only what is shown is unpacked: a report
    may have a hundred thousand groups.
    """
    local = zone(timezone)
    per_target = not _PER_TARGET.isdisjoint(by)
    found = _by_key((group.key, group.packed) for group in groups)
    totals = add_up(found.values())
    keys: list[Names] = _dearest(found, limit) if by else [_OTHERS]
    others = max(len(found) - len(keys), 0)
    if others:
        found[_OTHERS] = _without(totals, map(found.__getitem__, keys))
        keys.append(_OTHERS)
    return UsageReport(
        since=from_us(span.since_us, local).isoformat(timespec="seconds"),
        until=from_us(span.until_us, local).isoformat(timespec="seconds"),
        timezone=timezone,
        by=by,
        bucket=bucket,
        totals=measures(totals, per_target=per_target),
        rows=tuple(_row(_named(by, key), found[key], per_target) for key in keys) if by else (),
        others=others,
        series=tuple(
            UsagePoint(
                start=from_us(start, local).isoformat(timespec="seconds"),
                **msgspec.structs.asdict(_row(_named(by, key), packed, per_target)),
            )
            for start, key, packed in _series(groups, bucket_starts(span, bucket, local), keys)
        ),
    )


def measures(packed: Packed, *, per_target: bool) -> Measures:
    """Return what these sums say; `per_target` takes rates over attempts, not requests."""
    said = msgspec.structs.asdict(_row({}, packed, per_target))
    del said["key"]
    return Measures(**said)


def usd(pico: int) -> str:
    """Return an amount in USD, exactly, without exponent or trailing zeros."""
    if not pico:
        return "0"
    whole, rest = divmod(abs(pico), PICO_PER_USD)
    amount = f"{whole}.{rest:012d}".rstrip("0") if rest else str(whole)
    return f"-{amount}" if pico < 0 else amount


def _by_key(groups: Iterable[tuple[Key, Packed]]) -> dict[Key, Packed]:
    found: dict[Key, Packed] = {}
    for key, packed in groups:
        known = found.get(key)
        found[key] = packed if known is None else add_up((known, packed))
    return found


def _dearest(groups: Mapping[Names, Packed], limit: int) -> list[Names]:
    """Return the groups that cost most, dearest first.

    The others are not sorted, but for their costs: that is one call, for which a server's event
    loop would wait.
    """
    costs = [packed.measure("cost_pico") for packed in groups.values()]
    least = sorted(costs)[-limit] if limit < len(costs) else -math.inf
    dear = (
        (-cost, -packed.measure("attempts"), key)
        for cost, (key, packed) in zip(costs, groups.items(), strict=True)
        if cost >= least
    )
    return [key for *_, key in heapq.nsmallest(limit, dear)]


def _without(whole: Packed, parts: Iterable[Packed]) -> Packed:
    """Return the rest of a group; of many, they are fewer than what is left."""
    rest = add_up([whole])
    for part in parts:
        rest.take_away(part)
    return rest


def _series(
    groups: Sequence[UsageGroup],
    starts: Sequence[int],
    keys: Sequence[Names],
) -> Iterator[tuple[int, Names, Packed]]:
    """Yield every bucket's groups, those with nothing in them included."""
    if len(starts) * len(keys) > MAX_SERIES:
        raise ModelopsError(
            f"{len(starts)} buckets of {len(keys)} rows are too many for one report",
            "shorten it, use a longer bucket, group by less, or lower the limit of rows",
        )
    shown = set(keys)
    cells = _by_key(
        ((group.start_us, group.key if group.key in shown else _OTHERS), group.packed)
        for group in groups
        if starts
    )
    for start in starts:
        for key in keys:
            yield start, key, cells.get((start, key), Packed())


def _named(by: tuple[str, ...], key: Names) -> dict[str, str]:
    return dict(zip(by, key, strict=True)) if key else {}


def _row(key: dict[str, str], packed: Packed, per_target: bool) -> UsageRow:
    sums = packed.unpack()
    priced = sums.attempts - sums.unpriced - sums.unmetered > 0 or sums.attempts == 0
    if per_target:
        succeeded, judged = sums.attempts_ok, sums.attempts - sums.attempts_cancelled
    else:
        succeeded, judged = sums.requests_ok, sums.requests - sums.requests_cancelled
    unsplit_pico = sums.cost_pico - sums.input_cost_pico - sums.output_cost_pico
    return UsageRow(
        key=key,
        requests=sums.requests,
        attempts=sums.attempts,
        input_tokens=sums.input_tokens,
        output_tokens=sums.output_tokens,
        cache_read_tokens=sums.cache_read_tokens,
        cache_write_tokens=sums.cache_write_tokens,
        reasoning_tokens=sums.reasoning_tokens,
        cost_usd=usd(sums.cost_pico) if priced else None,
        input_cost_usd=usd(sums.input_cost_pico) if priced else None,
        output_cost_usd=usd(sums.output_cost_pico) if priced else None,
        unsplit_cost_usd=usd(unsplit_pico) if priced else None,
        estimate_usd=usd(sums.estimate_pico),
        unpriced=sums.unpriced,
        unmetered=sums.unmetered,
        simulated=sums.simulated,
        success_rate=_rate(succeeded, judged),
        fallback_rate=_rate(sums.requests_fallback, sums.requests_ok),
        latency_ms=_distribution(sums.latency_count, sums.latency_sum_us, sums.latency),
        first_content_ms=_distribution(
            sums.first_content_count, sums.first_content_sum_us, sums.first_content
        ),
    )


def _rate(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def _distribution(count: int, sum_us: int, histogram: bytes) -> Distribution | None:
    found = percentiles(*consecutive(histogram), 50, 95)
    if not count or not found:
        return None
    p50, p95 = found
    return Distribution(
        mean=round(sum_us / count / 1000, 1), p50=round(p50 / 1000, 1), p95=round(p95 / 1000, 1)
    )
