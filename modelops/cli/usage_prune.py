"""`modelops usage prune`: delete single attempts from before a day and keep their sums."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from modelops.cli import options, stores, terminal
from modelops.operations.location import existing
from modelops.operations.prune import boundary_us, prune
from modelops.resources.times import now_us

_CONSENT = "pass --yes to do it without being asked"


@click.command(short_help="Delete old attempts; their sums stay.")
@options.folder
@options.database
@click.option("--before", required=True, metavar="DATE", help="The first day to keep, in UTC.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def command(folder: Path, store_url: str, before: str, yes: bool) -> None:
    """Delete single attempts from before a day; reports go on counting them by whole days."""
    before_us = boundary_us(before, now_us=now_us())
    url = existing(store_url, folder)
    asyncio.run(stores.renew(url))
    count = stores.using_books(url, lambda store: store.count_attempts(before_us))
    if not count:
        click.echo(f"There are no attempts from before {before}.", err=True)
    elif yes or terminal.agreed(f"Delete {count:,} attempts from before {before}?", _CONSENT):
        done = stores.using_books(url, lambda store: prune(store, before_us))
        click.echo(
            f"Deleted {done:,} attempts from before {before}; their sums are kept.", err=True
        )
    else:
        click.echo("Nothing was deleted.", err=True)
