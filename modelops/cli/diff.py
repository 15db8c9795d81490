"""`modelops diff`: how two revisions of the store differ."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from modelops.cli import options, stores, terminal
from modelops.operations.diff import diff
from modelops.operations.location import existing
from modelops.plan.render import phrases, text


@click.command()
@click.argument("old", metavar="REVISION", type=click.IntRange(min=0))
@click.argument("new", metavar="[REVISION]", type=click.IntRange(min=0), required=False)
@options.folder
@options.store
@options.output_format("text", "json")
def command(old: int, new: int | None, folder: Path, store_url: str, output_format: str) -> None:
    """Show how two revisions differ; the second is the newest by default."""
    found = stores.using(existing(store_url, folder), lambda store: diff(store, old, new))
    if output_format == "json":
        terminal.echo_json(found)
        return
    color = terminal.colored(sys.stdout)
    click.echo(text.render_changes(found.changes, found.effects, color=color), nl=False)
    number = phrases.counted(len(found.changes), "resource") if found.changes else "no resource"
    click.echo(f"Revision {found.from_revision} -> {found.to_revision}: {number} changed.")
