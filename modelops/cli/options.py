"""Options that several commands share, spelled once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

Function = TypeVar("Function", bound=Callable[..., Any])

folder: Callable[[Function], Function] = click.option(
    "-C",
    "folder",
    type=click.Path(path_type=Path),
    default=Path(),
    metavar="DIR",
    help="Configuration folder (default: here).",
)
environment: Callable[[Function], Function] = click.option(
    "--env", "environment", default="", metavar="NAME", help="Environment the store belongs to."
)


def _store(kinds: str) -> Callable[[Function], Function]:
    return click.option(
        "--store",
        "store_url",
        envvar="MODELOPS_STORE",
        default="",
        metavar="URL",
        help=f"{kinds} (default: .modelops/ of the folder).",
    )


store: Callable[[Function], Function] = _store("sqlite:///PATH, postgresql://... or https://SERVER")
books: Callable[[Function], Function] = _store("sqlite:///PATH or postgresql://...")
"""For commands on the books, which are not read through a server."""

confirm_delete: Callable[[Function], Function] = click.option(
    "--confirm-delete",
    "confirmed",
    multiple=True,
    metavar="ADDRESS",
    help="Agree to a deletion that safety refuses; may be given several times.",
)
wait: Callable[[Function], Function] = click.option(
    "--wait", is_flag=True, help="Wait until it is live in every worker; exit 6 if it is not."
)


OUTPUT_FORMAT = "output_format"
"""Where `--format` stands in the object of the root context, for whoever prints an error."""


def output_format(*choices: str) -> Callable[[Function], Function]:
    """Return `--format` with these choices; the first is the default."""
    return click.option(
        "--format",
        OUTPUT_FORMAT,
        type=click.Choice(choices),
        default=choices[0],
        show_default=True,
        callback=_noted,
    )


def _noted(context: click.Context, parameter: click.Parameter, value: str) -> str:
    context.ensure_object(dict)[OUTPUT_FORMAT] = value
    return value
