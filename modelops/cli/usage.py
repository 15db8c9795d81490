"""`modelops usage`: requests, tokens, cost and latency from the books."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

import click
import msgspec

from modelops.cli import options
from modelops.ledger import render
from modelops.ledger.periods import PERIODS, Bucket
from modelops.ledger.reports import UsageReport
from modelops.operations.location import store_url as locate
from modelops.operations.usage import DEFAULT_PERIOD, DIMENSIONS, UsageQuery, report
from modelops.store import open_store


@click.command()
@options.folder
@options.store
@options.output_format("text", "json", "csv", "markdown")
@click.option(
    "--by",
    multiple=True,
    metavar="NAME",
    help=f"Group by {', '.join(DIMENSIONS)} or label.NAME; several, apart by commas or --by again.",
)
@click.option("--period", type=click.Choice(PERIODS), help=f"Default: {DEFAULT_PERIOD}.")
@click.option("--from", "since", default="", metavar="TIME", help="A date or time, inclusive.")
@click.option("--to", "until", default="", metavar="TIME", help="A date, inclusive, or a time.")
@click.option("--bucket", type=click.Choice(["none", "hour", "day"]), default="none")
def command(
    folder: Path,
    store_url: str,
    output_format: str,
    by: tuple[str, ...],
    period: str | None,
    since: str,
    until: str,
    bucket: Bucket,
) -> None:
    """Report requests, tokens, cost and latency, in the configuration's time zone.

    Costs are exact. What has no price or reported no usage is counted apart, never as 0.
    """
    query = UsageQuery(
        by=tuple(name for group in by for name in group.split(",")),
        period=period or "",
        since=since,
        until=until,
        bucket=bucket,
    )
    found = asyncio.run(_report(locate(store_url, folder), query))
    click.echo(_rendered(found, output_format), nl=False)


async def _report(url: str, query: UsageQuery) -> UsageReport:
    store = open_store(url)
    try:
        return await report(store, query, now_us=time.time_ns() // 1000)
    finally:
        await store.close()


def _rendered(found: UsageReport, output_format: str) -> str:
    if output_format == "json":
        return msgspec.json.format(msgspec.json.encode(found), indent=2).decode() + "\n"
    if output_format == "csv":
        return render.csv_text(found)
    if output_format == "markdown":
        return render.markdown(found)
    unicode = (sys.stdout.encoding or "").lower().startswith("utf")
    return render.text(found, bar="█" if unicode else "#")
