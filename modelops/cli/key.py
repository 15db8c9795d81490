"""`modelops key new`: a key for an agent or an operator, shown once."""

from __future__ import annotations

import click

from modelops.operations.key import new_key


@click.group()
def command() -> None:
    """Make keys for callers."""


@command.command("new")
@click.argument("address")
@click.option("--name", default="", metavar="NAME", help="What to call the key (default: its id).")
@click.option("--expires", default="", metavar="YYYY-MM-DD", help="Its last day (default: none).")
def new_command(address: str, name: str, expires: str) -> None:
    """Make a key for agent/NAME or operator/NAME.

    stdout carries the key, once; stderr the lines that declare its hash. Nothing is stored.
    """
    made = new_key(address, name, expires)
    click.echo(f"Add to {made.file}, beside keys that still work:\n\n{made.declaration}", err=True)
    click.echo("The key, which cannot be shown again:", err=True)
    click.echo(made.key.reveal())
