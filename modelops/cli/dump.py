"""`modelops dump`: write what the store holds as a configuration folder."""

from __future__ import annotations

from pathlib import Path

import click

from modelops.cli import options, stores
from modelops.operations.dump import dump, write
from modelops.operations.location import store_url as locate


@click.command()
@click.argument("target", metavar="FOLDER", type=click.Path(path_type=Path, file_okay=False))
@options.folder
@options.store
@click.option("--revision", type=click.IntRange(min=1), help="Default: the newest.")
def command(target: Path, folder: Path, store_url: str, revision: int | None) -> None:
    """Write what the store holds into a new FOLDER, defaults left out.

    Planning that folder shows no change, but for keys that are sealed: those cannot be read back.
    """
    dumped = stores.using(locate(store_url, folder), lambda store: dump(store, revision))
    write(dumped, target)
    for name in dumped.files:
        click.echo(target / name)
    for place in dumped.sealed:
        click.echo(f"sealed, not written: modelops secret set {place}", err=True)
