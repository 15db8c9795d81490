"""`modelops rollback`: make a new revision with the content of an old one."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import click

from modelops.cli import options, stores, terminal
from modelops.cli.execution import carry_out
from modelops.operations.location import existing
from modelops.operations.plan import Request
from modelops.operations.rollback import prepare_rollback
from modelops.plan.caller_keys import consent_to_keys
from modelops.store.opening import is_remote


@click.command()
@click.argument("revision", type=click.IntRange(min=1))
@options.folder
@options.store
@options.output_format("text", "json")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--message", default="", metavar="TEXT", help="A line for the history.")
@options.confirm_delete
@options.confirm_keys
@options.wait
def command(
    revision: int,
    folder: Path,
    store_url: str,
    output_format: str,
    yes: bool,
    message: str,
    confirmed: tuple[str, ...],
    confirmed_keys: tuple[str, ...],
    wait: bool,
) -> int:
    """Make a new revision with the content of REVISION.

    It shows the plan and asks, and exits with 3 when safety refuses what it would delete, that a
    key of a caller would work again, or that one of a provider would not open. Keys of providers
    are not rolled back.

    The files that were live are then refused until they change, or `apply --reapply` insists.
    """
    url = existing(store_url, folder)
    request = Request(
        folder=folder,
        environment="",
        created_by=terminal.caller(),
        now=datetime.now(UTC),
        confirmed=frozenset(confirmed) | {consent_to_keys(caller) for caller in confirmed_keys},
        simulated=stores.is_simulated(url),
        through_server=is_remote(url),
    )
    asyncio.run(stores.renew(url))
    prepared = stores.using(url, lambda store: prepare_rollback(store, revision, request))
    return carry_out(
        prepared,
        url,
        ask="" if yes else f"Roll back to revision {revision}?",
        message=message or f"rollback to revision {revision}",
        output_format=output_format,
        wait=wait,
    )
