"""`modelops discover`: what a provider offers against what is declared of it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import click

from modelops.cli import options, terminal
from modelops.config import load_configuration
from modelops.operations.discover import discover, only, write
from modelops.operations.test import subjects
from modelops.plan.render.phrases import counted
from modelops.probes.discovery import Discovery
from modelops.probes.offers import Offered
from modelops.resources.errors import ModelopsError

SHOWN = 30
"""New models that text lists; an aggregator offers hundreds."""


@click.command()
@click.argument("provider")
@options.folder
@options.environment
@options.output_format("text", "json")
@click.option(
    "--only",
    "patterns",
    multiple=True,
    metavar="PATTERN",
    help="New models whose names match, such as 'deepseek/*'; may be repeated.",
)
@click.option("--write", "writing", is_flag=True, help="Add the new models to the provider's file.")
def command(
    provider: str,
    folder: Path,
    environment: str,
    output_format: str,
    patterns: tuple[str, ...],
    writing: bool,
) -> None:
    """Compare what a provider offers with what is declared: new, gone, changed limits and prices.

    With --write, the new models are added to the file that declares the provider, and nothing else
    in it is touched: review the diff, then plan. What is gone is yours to remove.
    """
    configuration = load_configuration(folder, environment)
    (subject,) = subjects(configuration, folder, [provider], os.environ)
    if subject.provider.provider != provider:
        raise ModelopsError(f"{provider!r} is a model", f"name {subject.provider.provider!r}")
    found = only(asyncio.run(discover(subject)), patterns)
    if output_format == "json":
        terminal.echo_json(found)
    else:
        click.echo("\n".join(lines(found)))
    if writing:
        position = configuration.position(subject.provider.address)
        if position is None:
            raise ModelopsError(f"no file declares {subject.provider.address}")
        count = write(subject, found, folder / position.file)
        click.echo(f"{position.file}: {counted(count, 'model')} added", err=True)


def lines(found: Discovery) -> Iterator[str]:
    """Yield a discovery as text: a sign and a model each, and a last line that stands alone."""
    for offer in found.new[:SHOWN]:
        yield f"+ {offer.model}{_facts(offer)}"
    if len(found.new) > SHOWN:
        yield f"  and {len(found.new) - SHOWN} more; --format json lists them, --only chooses"
    for name in found.gone:
        yield f"- {name}  declared and not offered"
    for change in found.changed:
        known = f"{change.declared} ({change.source})" if change.declared else "unknown"
        yield f"~ {change.model}  {change.field} {known} -> {change.offered}"
    changed = len({change.model for change in found.changed})
    yield (
        f"{found.provider}: {found.offered} offered, {len(found.new)} new, "
        f"{len(found.gone)} gone, {changed} changed"
    )


def _facts(offer: Offered) -> str:
    facts = [
        offer.type or "",
        f"{offer.context_window:,} tokens" if offer.context_window else "",
        f"{offer.price.input:f} / {offer.price.output:f} USD" if offer.price else "",
    ]
    text = ", ".join(fact for fact in facts if fact)
    return f"  {text}" if text else ""
