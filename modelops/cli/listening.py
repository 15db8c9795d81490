"""What `serve` and `up` share: where to listen, and the line that says it does."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click
import msgspec

Function = TypeVar("Function", bound=Callable[..., Any])

WORKERS_MAX = 64


def listening(function: Function) -> Function:
    """Add --host, --port, --workers and --log-format to a command."""
    for option in (
        click.option(
            "--log-format",
            type=click.Choice(["text", "json"]),
            default="text",
            show_default=True,
            help="How lines are written to standard error.",
        ),
        click.option(
            "--workers",
            type=click.IntRange(1, WORKERS_MAX),
            default=1,
            show_default=True,
            help="Worker processes; one serves from this process itself.",
        ),
        click.option(
            "--port",
            type=click.IntRange(0, 65_535),
            default=8400,
            show_default=True,
            help="Port to listen on; 0 takes any free one.",
        ),
        click.option(
            "--host",
            default="127.0.0.1",
            metavar="ADDRESS",
            show_default=True,
            help="Address to listen on; beyond this machine only when agents have keys.",
        ),
    ):
        function = option(function)
    return function


def say_ready(url: str, simulator_url: str = "") -> None:
    """Say that requests are answered: a line of JSON for a program, a sentence for a person."""
    if sys.stdout.isatty():
        click.echo(f"serving on {url}; Ctrl-C stops", err=True)
    else:
        simulator = {"simulator_url": simulator_url} if simulator_url else {}
        click.echo(msgspec.json.encode({"url": url, **simulator}))
