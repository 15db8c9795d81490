"""`modelops fmt`: one layout for every file of a configuration."""

from __future__ import annotations

from pathlib import Path

import click

from modelops.cli import options
from modelops.operations.fmt import format_folder
from modelops.resources.errors import ExitCode


@click.command()
@options.folder
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 when a file would change.")
def command(folder: Path, check: bool) -> int:
    """Bring every file into one layout: indentation, blank lines, trailing space.

    Comments and the order of keys stay, ciphertext is never touched. stdout names the files that
    changed.
    """
    result = format_folder(folder, write=not check)
    for file in result.changed:
        click.echo(file)
    verb = "would change" if check else "changed"
    click.echo(f"{len(result.changed)} of {result.files} files {verb}.", err=True)
    return ExitCode.ERROR if check and result.changed else ExitCode.DONE
