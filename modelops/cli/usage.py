"""`modelops usage`: requests, tokens, cost and latency from the books, and what keeps them.

Alone it prints a report, which a running server works out as well; its commands compare, verify,
correct and prune, in the database.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import click

from modelops.cli import (
    options,
    terminal,
    usage_compare,
    usage_prune,
    usage_recost,
    usage_verify,
)
from modelops.ledger import render
from modelops.ledger.periods import PERIODS, Bucket
from modelops.ledger.reports import UsageReport
from modelops.operations.location import existing
from modelops.operations.usage import (
    DEFAULT_PERIOD,
    DIMENSIONS,
    ROWS_DEFAULT,
    UsageQuery,
    report,
    without_rows,
    written_filters,
)
from modelops.resources.times import now_us
from modelops.store import open_for_commands
from modelops.store.books import MAX_GROUPS


@click.group(invoke_without_command=True)
@options.folder
@options.store
@options.output_format("text", "json", "csv", "markdown")
@click.option(
    "--by",
    multiple=True,
    metavar="NAME",
    help=f"Group by {', '.join(DIMENSIONS)} or label.NAME; several with commas, or --by again.",
)
@click.option("--period", type=click.Choice(PERIODS), help=f"Default: {DEFAULT_PERIOD}.")
@click.option("--from", "since", default="", metavar="TIME", help=options.FROM)
@click.option("--to", "until", default="", metavar="TIME", help=options.TO)
@click.option(
    "--filter",
    "filters",
    multiple=True,
    metavar="NAME:VALUE",
    help=f"Only rows of this {', '.join(DIMENSIONS)}; several of a name are alternatives.",
)
@click.option(
    "--bucket",
    type=click.Choice(["none", "hour", "day"]),
    default="none",
    show_default=True,
    help="Also split by time.",
)
@click.option(
    "--limit",
    type=click.IntRange(1, MAX_GROUPS),
    default=ROWS_DEFAULT,
    show_default=True,
    help="Most rows; the rest are summed in a last row.",
)
@click.pass_context
def command(
    context: click.Context,
    folder: Path,
    store_url: str,
    output_format: str,
    by: tuple[str, ...],
    period: str | None,
    since: str,
    until: str,
    filters: tuple[str, ...],
    bucket: Bucket,
    limit: int,
) -> None:
    """Report requests, tokens, cost and latency, in the configuration's time zone.

    Costs are exact. What has no price or reported no usage is counted apart, never as 0. With
    --store https://... a running server is asked; the commands below need its database.
    """
    if context.invoked_subcommand is not None:
        return
    query = UsageQuery(
        by=tuple(name for group in by for name in group.split(",")),
        period=period or "",
        since=since,
        until=until,
        bucket=bucket,
        limit=limit,
        filters=written_filters(filters),
    )
    found, warnings = asyncio.run(_asked(existing(store_url, folder), query, now_us()))
    for warning in warnings:
        click.echo(f"warning: {warning}", err=True)
    click.echo(_rendered(found, output_format), nl=False)


async def _asked(url: str, query: UsageQuery, at_us: int) -> tuple[UsageReport, list[str]]:
    """Return a report, and where it is empty what may be wrong with its filters."""
    store = open_for_commands(url)
    try:
        found = await report(store, query, now_us=at_us)
        empty = not (found.totals.attempts or found.totals.requests)
        return found, await without_rows(store, query, now_us=at_us) if empty else []
    finally:
        await store.close()


def _rendered(found: UsageReport, output_format: str) -> str:
    if output_format == "json":
        return terminal.as_json(found) + "\n"
    if output_format == "csv":
        return render.csv_text(found)
    if output_format == "markdown":
        return render.markdown(found)
    unicode = (sys.stdout.encoding or "").lower().startswith("utf")
    width = terminal.width(sys.stdout)
    return render.text(found, bar="█" if unicode else "#", width=width)


command.add_command(usage_compare.command, "compare")
command.add_command(usage_verify.command, "verify")
command.add_command(usage_recost.command, "recost")
command.add_command(usage_prune.command, "prune")
