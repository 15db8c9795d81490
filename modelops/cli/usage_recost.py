"""`modelops usage recost`: correct past costs to the prices that the store holds now."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from modelops.cli import options, stores, terminal
from modelops.ledger.reports import usd
from modelops.operations.location import existing
from modelops.operations.recost import recost
from modelops.operations.usage import UsageQuery
from modelops.resources.times import now_us

_CONSENT = "pass --yes to do it without being asked"


@click.command(short_help="Correct costs after a wrong price.")
@options.folder
@options.database
@click.option(
    "--model",
    "models",
    multiple=True,
    metavar="PROVIDER/MODEL",
    help="Only this one; may be given several times.",
)
@click.option("--from", "since", required=True, metavar="TIME", help=options.FROM)
@click.option("--to", "until", default="", metavar="TIME", help=options.TO)
@click.option("--yes", is_flag=True, help="Do not ask.")
def command(
    folder: Path, store_url: str, models: tuple[str, ...], since: str, until: str, yes: bool
) -> None:
    """Correct what attempts cost, after a wrong price was put right and applied.

    Booked rows stay as they are: rows are added that cost the difference.
    """
    query = UsageQuery(since=since, until=until, filters={"model": models} if models else {})
    url, at_us = existing(store_url, folder), now_us()
    asyncio.run(stores.renew(url))
    found = stores.using_books(url, lambda store: recost(store, query, now_us=at_us, write=False))
    if found.undecided:
        click.echo(
            f"{found.undecided:,} attempts stay as booked: they stand in collapsed rows, and"
            " today's price goes by the size or the hour of each.",
            err=True,
        )
    if found.without_cost:
        click.echo(
            f"{found.without_cost:,} attempts stay as booked: no price is applied for them now, or"
            " their usage is not known.",
            err=True,
        )
    if not found.attempts:
        others = "Every other attempt" if found.undecided or found.without_cost else "Every attempt"
        click.echo(f"{others} costs what today's prices, or its provider, say.", err=True)
        return
    change = f"{found.attempts:,} attempts by {usd(found.difference_pico)} USD in all"
    if yes or terminal.agreed(f"Correct {change}?", _CONSENT):
        done = stores.using_books(url, lambda store: recost(store, query, now_us=at_us, write=True))
        click.echo(
            f"Corrected {done.attempts:,} attempts, {usd(done.difference_pico)} USD.", err=True
        )
    else:
        click.echo("Nothing was corrected.", err=True)
