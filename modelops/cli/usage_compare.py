"""`modelops usage compare`: two revisions side by side, by what they served."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from modelops.cli import options, stores, terminal
from modelops.ledger.periods import PERIODS
from modelops.operations.compare_usage import (
    DEFAULT_PERIOD,
    RevisionUsage,
    UsageComparison,
    compare,
)
from modelops.operations.location import existing
from modelops.operations.usage import UsageQuery
from modelops.resources import commits
from modelops.resources.times import now_us

_UNKNOWN = "unknown"
_LINES: tuple[tuple[str, Callable[[RevisionUsage], str]], ...] = (
    ("commit", lambda side: commits.short(side.git_commit) or "-"),
    ("requests", lambda side: f"{side.usage.requests:,}"),
    ("attempts", lambda side: f"{side.usage.attempts:,}"),
    ("errors", lambda side: _percent(side.error_rate)),
    ("fallback", lambda side: _percent(side.usage.fallback_rate)),
    ("cost USD", lambda side: side.usage.cost_usd or _UNKNOWN),
    ("USD per request of known cost", lambda side: side.cost_per_request_usd or _UNKNOWN),
    ("latency p50", lambda side: _milliseconds(side, "p50")),
    ("latency p95", lambda side: _milliseconds(side, "p95")),
    ("unpriced, unmetered", lambda side: f"{side.usage.unpriced:,}, {side.usage.unmetered:,}"),
)


@click.command(short_help="Put two revisions side by side.")
@click.argument("before", type=click.IntRange(min=1), metavar="REVISION")
@click.argument("after", type=click.IntRange(min=1), metavar="REVISION")
@options.folder
@options.database
@options.output_format("text", "json")
@click.option("--period", type=click.Choice(PERIODS), help=f"Default: {DEFAULT_PERIOD}.")
@click.option("--from", "since", default="", metavar="TIME", help=options.FROM)
@click.option("--to", "until", default="", metavar="TIME", help=options.TO)
def command(
    before: int,
    after: int,
    folder: Path,
    store_url: str,
    output_format: str,
    period: str | None,
    since: str,
    until: str,
) -> None:
    """Compare what two revisions served: cost, latency and errors, for each request."""
    written = period or ("" if since or until else DEFAULT_PERIOD)
    query = UsageQuery(period=written, since=since, until=until)
    found = stores.using_books(
        existing(store_url, folder),
        lambda store: compare(store, before, after, query, now_us=now_us()),
    )
    if output_format == "json":
        terminal.echo_json(found)
    else:
        click.echo(_text(found))


def _text(found: UsageComparison) -> str:
    sides = (found.before, found.after)
    table = [("", *(f"revision {side.revision}" for side in sides))]
    table += [(name, *(show(side) for side in sides)) for name, show in _LINES]
    widths = [max(len(line[column]) for line in table) for column in range(3)]
    lines = [
        f"{name.ljust(widths[0])}  {first.rjust(widths[1])}  {second.rjust(widths[2])}"
        for name, first, second in table
    ]
    return "\n".join([f"usage from {found.since} to {found.until}", "", *lines])


def _percent(rate: float | None) -> str:
    return "-" if rate is None else f"{rate * 100:.2f} %"


def _milliseconds(side: RevisionUsage, part: str) -> str:
    found = side.usage.latency_ms
    return "-" if found is None else f"{getattr(found, part):,.0f} ms"
