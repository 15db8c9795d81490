"""`modelops history`: the revisions of the store, with who, when and from which commit."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec

from modelops.cli import options, stores
from modelops.operations.history import history
from modelops.operations.location import store_url as locate
from modelops.plan.render.phrases import visible
from modelops.store.protocol import Revision


@click.command()
@options.folder
@options.store
@options.output_format("text", "json")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
@click.option("--before", type=click.IntRange(min=1), help="Only revisions older than this one.")
def command(
    folder: Path, store_url: str, output_format: str, limit: int, before: int | None
) -> None:
    """List the store's revisions, newest first."""
    found = stores.using(
        locate(store_url, folder), lambda store: history(store, limit=limit, before=before)
    )
    if output_format == "json":
        more = len(found) == limit and found[-1].base > 0
        document = {"items": found, "next_cursor": found[-1].revision if more else None}
        click.echo(msgspec.json.format(msgspec.json.encode(document), indent=2))
    elif found:
        for revision in found:
            click.echo(_line(revision))
    else:
        click.echo("No revisions yet: modelops apply makes the first.")


def _line(revision: Revision) -> str:
    info = revision.info
    when = datetime.fromtimestamp(info.created_at_us / 1_000_000, UTC)
    commit = info.git_commit[:10] + ("-dirty" if info.git_commit.endswith("-dirty") else "")
    counts = info.counts
    parts = [
        f"{symbol}{counts[name]}"
        for name, symbol in (("create", "+"), ("update", "~"), ("move", ">"), ("delete", "-"))
        if counts.get(name)
    ]
    columns = (
        f"{revision.revision:>5}",
        f"{when:%Y-%m-%d %H:%M:%SZ}",
        f"{info.kind:<8}",
        f"{' '.join(parts):<14}",
        f"{commit or '-':<16}",
        visible(info.created_by),
        visible(info.message),
    )
    return "  ".join(columns).rstrip()
