"""`modelops history`: the revisions of the store, with who, when and from which commit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec

from modelops.cli import options, stores, terminal
from modelops.operations.history import Touched, history, touched
from modelops.operations.location import existing
from modelops.plan.render.phrases import SYMBOLS
from modelops.resources import commits
from modelops.resources.visible import visible
from modelops.store.protocol import ConfigStore, Revision

Entries = Sequence[tuple[Revision, tuple[Touched, ...]]]


@click.command()
@options.folder
@options.store
@options.output_format("text", "json")
@click.option(
    "--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="Most revisions."
)
@click.option("--before", type=click.IntRange(min=1), help="Only revisions older than this one.")
@click.option("--changes", is_flag=True, help="A line on each change.")
def command(
    folder: Path,
    store_url: str,
    output_format: str,
    limit: int,
    before: int | None,
    changes: bool,
) -> None:
    """List the store's revisions, newest first."""

    async def read(store: ConfigStore) -> Entries:
        found = await history(store, limit=limit, before=before)
        details = await touched(store, found) if changes else {}
        return [(made, details.get(made.revision, ())) for made in found]

    entries = stores.using(existing(store_url, folder), read)
    if output_format == "json":
        terminal.echo_json(_document(entries, limit, changes=changes))
    elif entries:
        for made, details in entries:
            click.echo(_line(made))
            for line in _details(details):
                click.echo(line)
    else:
        click.echo("No revisions yet: modelops apply makes the first.")


def _document(entries: Entries, limit: int, *, changes: bool) -> object:
    """Return a page; `next_cursor` is the `--before` of the next one, null at the end."""
    items = [
        msgspec.structs.asdict(made) | ({"changes": details} if changes else {})
        for made, details in entries
    ]
    last = entries[-1][0] if len(entries) == limit else None
    cursor = last.revision if last and last.base > 0 else None
    return {"items": items, "next_cursor": cursor}


def _details(details: Sequence[Touched]) -> Iterator[str]:
    for one in details:
        fields = ", ".join(one.fields) if one.action in ("update", "move") else ""
        moved = f"  from {one.moved_from}" if one.moved_from else ""
        yield f"         {SYMBOLS[one.action]} {one.address}{moved}  {visible(fields)}".rstrip()


def _line(made: Revision) -> str:
    info = made.info
    when = datetime.fromtimestamp(info.created_at_us / 1_000_000, UTC)
    counts = [
        f"{symbol}{info.counts[action]}"
        for action, symbol in SYMBOLS.items()
        if info.counts.get(action)
    ]
    columns = (
        f"{made.revision:>5}",
        f"{when:%Y-%m-%d %H:%M:%SZ}",
        f"{info.kind:<8}",
        f"{' '.join(counts):<14}",
        f"{commits.short(info.git_commit) or '-':<16}",
        visible(info.created_by),
        visible(info.message),
    )
    return "  ".join(columns).rstrip()
