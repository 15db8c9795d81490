"""`modelops dump`: write what the store holds as a configuration folder."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from modelops.cli import options, stores
from modelops.operations.dump import dump, write
from modelops.operations.location import existing


@click.command()
@click.argument("target", metavar="FOLDER", type=click.Path(path_type=Path, file_okay=False))
@options.folder
@options.store
@click.option("--revision", type=click.IntRange(min=1), help="Default: the newest.")
def command(target: Path, folder: Path, store_url: str, revision: int | None) -> None:
    """Write what the store holds into a new FOLDER, defaults left out.

    Planning that folder shows no change. Keys that are sealed cannot be read back: the folder does
    not validate until each is set again. It gets the .sops.yaml of the configuration folder.
    """
    dumped = stores.using(existing(store_url, folder), lambda store: dump(store, revision))
    complete = write(dumped, target, folder)
    for name in dumped.files:
        click.echo(target / name)
    for place in dumped.sealed:
        command = f"modelops secret set {place} -C {shlex.quote(str(target))}"
        click.echo(f"sealed, set it again: {command}", err=True)
    if not complete:
        click.echo(
            f"before that, put your .sops.yaml into {target}; `modelops init` writes one into a "
            "new folder",
            err=True,
        )
