"""`modelops apply`: move the store to what the folder declares, in one transaction."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec

from modelops.cli import options, terminal
from modelops.operations.apply import apply, check_refusals, check_saved, read_plan
from modelops.operations.location import store_url as locate
from modelops.operations.plan import Prepared, Request, prepare
from modelops.plan.render import render
from modelops.resources.errors import ExitCode
from modelops.store import migrate, open_store
from modelops.store.protocol import Revision


@click.command()
@click.argument("plan_file", metavar="[FILE]", required=False, type=click.Path(path_type=Path))
@options.folder
@options.environment
@options.store
@options.output_format("text", "json")
@click.option("--yes", is_flag=True, help="Do not ask; for CI.")
@click.option("--message", default="", metavar="TEXT", help="A line for the history.")
@click.option(
    "--confirm-delete",
    "confirmed",
    multiple=True,
    metavar="ADDRESS",
    help="Agree to a deletion that safety refuses; may be given several times.",
)
def command(
    plan_file: Path | None,
    folder: Path,
    environment: str,
    store_url: str,
    output_format: str,
    yes: bool,
    message: str,
    confirmed: tuple[str, ...],
) -> int:
    """Move the store to what the folder declares, in one transaction.

    Without FILE it plans, shows the plan and asks. With a FILE from `plan --out` it applies exactly
    that plan, and exits with 4 when the files or the store have moved on since.
    """
    now = datetime.now(UTC)
    request = Request(
        folder=folder,
        environment=environment,
        created_by=terminal.caller(),
        now=now,
        confirmed=frozenset(confirmed),
    )
    url = locate(store_url, folder)
    prepared = asyncio.run(_prepare(url, request))
    if plan_file is not None:
        check_saved(read_plan(plan_file), prepared)
    click.echo(
        render(prepared.plan, "text", color=terminal.colored(sys.stderr)), nl=False, err=True
    )
    check_refusals(prepared.plan)
    if prepared.plan.empty:
        _report(None, prepared, output_format)
        return ExitCode.DONE
    if plan_file is None and not yes and not terminal.agreed("Apply this plan?"):
        click.echo("Nothing was applied.", err=True)
        return ExitCode.ERROR
    made = asyncio.run(_apply(url, prepared, now, message))
    _report(made, prepared, output_format)
    return ExitCode.DONE


async def _prepare(url: str, request: Request) -> Prepared:
    store = open_store(url)
    try:
        return await prepare(store, request)
    finally:
        await store.close()


async def _apply(url: str, prepared: Prepared, now: datetime, message: str) -> Revision | None:
    await migrate(url)
    store = open_store(url)
    try:
        return await apply(store, prepared, now=now, message=message)
    finally:
        await store.close()


def _report(made: Revision | None, prepared: Prepared, output_format: str) -> None:
    """Say on stdout at which revision the store stands now."""
    revision = made.revision if made else prepared.base.head.revision
    if output_format == "json":
        result = {
            "applied": made is not None,
            "revision": revision,
            "digest": made.digest if made else prepared.base.head.digest,
            "base": prepared.base.head.revision,
            "plan_digest": prepared.plan.plan_digest,
            "summary": prepared.plan.summary,
        }
        click.echo(msgspec.json.format(msgspec.json.encode(result), indent=2))
    elif made:
        click.echo(f"Applied: revision {revision} of {made.info.config}.")
    else:
        click.echo(f"Nothing to apply: revision {revision} stands.")
