"""`modelops secret set`: encrypt a key into the file of a provider or an agent."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from modelops.cli import options
from modelops.operations.secret import find_place, set_secret
from modelops.resources.errors import ModelopsError
from modelops.secrets.references import MAX_BYTES, checked
from modelops.secrets.secret import Secret


@click.group()
def command() -> None:
    """Keep keys in the YAML files, encrypted with SOPS."""


@command.command("set", short_help="Encrypt a key into its file.")
@click.argument("address")
@click.option(
    "--provider", default="", metavar="NAME", help="For an agent: the provider the key is for."
)
@options.folder
def set_command(address: str, provider: str, folder: Path) -> None:
    """Encrypt the key of provider/NAME or agent/NAME, read from stdin or asked for.

    The value is never an argument, where every user of the machine could read it: type it, or pipe
    it, as in `pass show openai | modelops secret set provider/openai`. Comments and layout of the
    file stay.
    """
    find_place(folder, address, provider)  # what cannot be set is not asked for
    file = set_secret(folder, address, provider, _value(address), os.environ)
    click.echo(f"The key of {address} is encrypted in {file}.", err=True)


def _value(address: str) -> Secret:
    if sys.stdin.isatty():
        return checked(click.prompt(f"Key of {address}", hide_input=True, err=True), "the key")
    content = sys.stdin.buffer.read(MAX_BYTES + 2)
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise ModelopsError("what came from stdin is not a key: it is not text") from None
    return checked(text.removesuffix("\n").removesuffix("\r"), "the key from stdin")
