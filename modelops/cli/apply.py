"""`modelops apply`: move the store to what the folder declares, in one transaction."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import click

from modelops.cli import options, stores, terminal
from modelops.cli.execution import carry_out
from modelops.operations.apply import check_saved, read_plan
from modelops.operations.location import state_directory
from modelops.operations.location import store_url as locate
from modelops.operations.plan import Request, prepare
from modelops.plan.caller_keys import consent_to_keys
from modelops.store.opening import is_remote


@click.command()
@click.argument("plan_file", metavar="[FILE]", required=False, type=click.Path(path_type=Path))
@options.folder
@options.environment
@options.store
@options.output_format("text", "json", "github", "sarif")
@click.option("--yes", is_flag=True, help="Do not ask; for CI.")
@click.option("--message", default="", metavar="TEXT", help="A line for the history.")
@options.confirm_delete
@options.confirm_keys
@click.option(
    "--allow-origin-change",
    "allowed_origins",
    multiple=True,
    metavar="ADDRESS",
    help="Agree that the key of ADDRESS goes to another host; may be given several times.",
)
@click.option("--reapply", is_flag=True, help="Bring back files that were rolled back.")
@options.wait
def command(
    plan_file: Path | None,
    folder: Path,
    environment: str,
    store_url: str,
    output_format: str,
    yes: bool,
    message: str,
    confirmed: tuple[str, ...],
    confirmed_keys: tuple[str, ...],
    allowed_origins: tuple[str, ...],
    reapply: bool,
    wait: bool,
) -> int:
    """Move the store to what the folder declares, in one transaction.

    Without FILE it plans, shows the plan and asks. With a FILE from `plan --out` it applies exactly
    that plan, and exits with 4 when the files or the store have moved on since.
    """
    saved = read_plan(plan_file) if plan_file is not None else None
    url = locate(store_url, folder)
    request = Request(
        folder=folder,
        environment=environment,
        created_by=terminal.caller(),
        now=datetime.now(UTC),
        confirmed=frozenset(confirmed) | {consent_to_keys(one) for one in confirmed_keys},
        allowed_origins=frozenset(allowed_origins),
        reapply=reapply,
        state_directory=state_directory(url, folder),
        simulated=stores.is_simulated(url),
        through_server=is_remote(url),
    )
    asyncio.run(stores.renew(url))
    prepared = stores.using(url, lambda store: prepare(store, request))
    if saved is not None:
        check_saved(saved, prepared)
    return carry_out(
        prepared,
        url,
        ask="" if yes or saved is not None else "Apply this plan?",
        message=message,
        output_format=output_format,
        wait=wait,
    )
