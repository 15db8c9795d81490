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
    "--env",
    "environment",
    default="",
    metavar="NAME",
    help="Environment, such as prod; a store belongs to one (default: none).",
)


def _store(kinds: str) -> Callable[[Function], Function]:
    return click.option(
        "--store",
        "store_url",
        envvar="MODELOPS_STORE",
        default="",
        metavar="URL",
        help=f"{kinds} (default: MODELOPS_STORE, else .modelops/ of the folder).",
    )


store: Callable[[Function], Function] = _store("sqlite:///PATH, postgresql://... or https://SERVER")
database: Callable[[Function], Function] = _store("sqlite:///PATH or postgresql://...")
"""For what does not go through a server: serving, the books, results of connection tests."""

confirm_delete: Callable[[Function], Function] = click.option(
    "--confirm-delete",
    "confirmed",
    multiple=True,
    metavar="ADDRESS",
    help="Agree to a deletion that safety refuses; may be given several times.",
)
confirm_keys: Callable[[Function], Function] = click.option(
    "--confirm-keys",
    "confirmed_keys",
    multiple=True,
    metavar="ADDRESS",
    help="Agree to what safety refuses of the keys of ADDRESS; may be given several times.",
)
wait: Callable[[Function], Function] = click.option(
    "--wait", is_flag=True, help="Wait until it is live in every worker; exit with 6 if it is not."
)


FROM = "Begin: a date, or a time such as 2026-11-21T14:00."
TO = "End: a date, which counts whole, or a time (default: now)."

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
        help="How to print the result.",
    )


def _noted(context: click.Context, parameter: click.Parameter, value: str) -> str:
    context.ensure_object(dict)[OUTPUT_FORMAT] = value
    return value
