"""`modelops init`: begin a configuration in a folder."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from pathlib import Path

import click

from modelops.operations.init import init_folder
from modelops.operations.scaffold import WORKFLOW, secret_variables


@click.command()
@click.argument("folder", default=Path(), type=click.Path(path_type=Path))
@click.option("--config", default="", metavar="NAME", help="Its name (default: the folder's).")
@click.option(
    "--provider",
    "providers",
    multiple=True,
    default=("anthropic", "openai"),
    show_default=True,
    metavar="NAME",
    help="A provider to begin with; may be given several times.",
)
def command(folder: Path, config: str, providers: tuple[str, ...]) -> None:
    """Begin a configuration in FOLDER (default: here) that can be applied at once.

    It gets providers, a chain over them, an agent, rules for sops, hooks and a CI workflow. Keys
    are encrypted to your age identity, which is made where sops looks for it, never in the folder,
    unless you have one. stdout names the files that were written.
    """
    made = init_folder(folder, config, tuple(dict.fromkeys(providers)), os.environ)
    for path in made.written:
        click.echo(path)
    for path in made.kept:
        click.echo(f"kept as it was: {path}", err=True)
    if made.identity_file:
        click.echo(f"Your new age identity is {made.identity_file}: keep a copy.", err=True)
    place = "" if folder == Path() else f" -C {shlex.quote(str(folder))}"
    click.echo(
        f"Next:\n"
        f"  try it without keys:     modelops up --simulate{place}\n"
        f"{_keys(providers, place)}"
        f"  then:                    modelops up{place}\n"
        f"  from CI:                 say where modelops is published in {WORKFLOW}",
        err=True,
    )


def _keys(providers: Sequence[str], place: str) -> str:
    """Return the two ways of giving keys to those providers that take one."""
    variables = secret_variables(providers)
    if not variables:
        return ""
    first = next(iter(variables))
    exports = " ".join(f"{variable}=..." for variable in variables.values())
    return (
        f"  keys in the environment: export {exports}\n"
        f"  or encrypted in git:     modelops secret set provider/{first}{place}"
        f"{'   # and the others' if len(variables) > 1 else ''}\n"
    )
