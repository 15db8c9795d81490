"""`modelops identity`: the server's private key, and the public half that secrets are sealed to."""

from __future__ import annotations

import os
from pathlib import Path

import click

from modelops.cli import options, stores
from modelops.operations import identity
from modelops.operations.identity import ServerIdentity
from modelops.operations.location import store_url as locate
from modelops.secrets.seal import key_id


@click.group()
def command() -> None:
    """Make, show and replace the key by which the server opens secrets.

    It lies in MODELOPS_SERVER_IDENTITY_FILE, else in .modelops/server.key of the configuration
    folder. stdout carries public halves only, the current one first.
    """


@command.command("create")
@options.folder
def create_command(folder: Path) -> None:
    """Make the server's identity and print its public half."""
    made = identity.create_identity(folder, os.environ)
    _print(made)
    click.echo(
        f"The identity is in {made.path}: give it to the server and to nobody else.", err=True
    )
    click.echo(
        f"For a store that others apply to, declare:  server_recipients: [{made.recipients[0]}]",
        err=True,
    )


@command.command("show", short_help="Print the public halves and their ids.")
@options.folder
def show_command(folder: Path) -> None:
    """Print the public halves of the server's identities, and by which ids messages name them."""
    shown = identity.show_identity(folder, os.environ)
    _print(shown)
    for recipient in shown.recipients:
        click.echo(f"{recipient[:12]}... is {key_id(recipient)} in /readyz and errors", err=True)


@command.command("rotate", short_help="Put a new identity before the old one.")
@click.option("--retire", is_flag=True, help="Last step: drop all identities but the newest.")
@click.option("--force", is_flag=True, help="Drop them without asking the store.")
@options.folder
@options.store
def rotate_command(folder: Path, retire: bool, force: bool, store_url: str) -> None:
    """Put a new identity before the present one; both open until --retire drops the old.

    --retire exits with 3 while a key in the store is sealed to the old one alone.
    """
    if force and not retire:
        raise click.UsageError("--force goes with --retire")
    if retire:
        if not force:
            url = locate(store_url, folder)
            stores.using(url, lambda store: identity.check_retirable(store, folder, os.environ))
        _print(identity.retire_identity(folder, os.environ))
        click.echo(
            "Backups of the store made before open with the old identity alone: keep a copy of it.",
            err=True,
        )
        return
    rotated = identity.rotate_identity(folder, os.environ)
    _print(rotated)
    both = ", ".join(rotated.recipients)
    click.echo(
        "Next, so that every secret opens at every moment:\n"
        f"  1. give {rotated.path} to every server and restart it\n"
        f"  2. declare server_recipients: [{both}] and apply\n"
        f"  3. declare server_recipients: [{rotated.recipients[0]}] and apply\n"
        f"  4. keep a copy of {rotated.path} with the backups of the store made until now:\n"
        "     what they hold opens with the old identity alone\n"
        "  5. modelops identity rotate --retire, and restart the servers once more",
        err=True,
    )


def _print(shown: ServerIdentity) -> None:
    for recipient in shown.recipients:
        click.echo(recipient)
