"""`modelops up`: validate, plan, apply and serve, on a local SQLite store, in one."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from modelops.cli import options, stores, terminal
from modelops.cli.listening import listening, say_ready
from modelops.cli.simulated import simulator
from modelops.operations.apply import apply
from modelops.operations.identity import STATE_DIRECTORY
from modelops.operations.location import SIMULATED_STORE, is_simulated
from modelops.operations.location import store_url as locate
from modelops.operations.plan import Prepared, Request, prepare
from modelops.plan.render import render
from modelops.resources import state
from modelops.server.logs import LogFormat, set_up_logging
from modelops.server.settings import ServerSettings
from modelops.store import migrate


@click.command()
@options.folder
@options.environment
@click.option(
    "--store",
    "store_url",
    default="",
    metavar="URL",
    help="sqlite:///PATH (default: MODELOPS_STORE, else .modelops/ of the folder).",
)
@click.option(
    "--simulate",
    is_flag=True,
    help="Put the simulator behind every provider; the store is a file simulated.db.",
)
@listening
def command(
    folder: Path,
    environment: str,
    store_url: str,
    simulate: bool,
    host: str,
    port: int,
    workers: int,
    log_format: LogFormat,
) -> None:
    """Validate, plan, apply and serve, on a local SQLite store, in one.

    With --simulate it needs neither keys nor network: a simulator answers for every provider, and
    the store is one of its own, whatever MODELOPS_STORE says. Stops on Ctrl-C.
    """
    from modelops.server.serving import check_exposure, listen, resolve, serve

    url = _local_store(store_url, folder, simulate=simulate)
    request = Request(
        folder=folder,
        environment=environment,
        created_by=terminal.caller(),
        now=datetime.now(UTC),
        state_directory=folder / STATE_DIRECTORY,
        simulated=simulate,
    )
    address = resolve(host, port)
    prepared = _prepare(url, request)
    check_exposure(address.sockaddr[0], "127.0.0.1", prepared.configuration.state)
    listener = listen(address)  # what cannot be served is not applied
    asyncio.run(migrate(url))
    stores.using(url, lambda store: apply(store, prepared))
    set_up_logging(log_format)

    with simulator() if simulate else contextlib.nullcontext("") as simulator_url:
        settings = ServerSettings(
            store_url=url,
            state_directory=str((folder / STATE_DIRECTORY).resolve()),
            environment=environment,
            host=host,
            port=port,
            workers=workers,
            log_format=log_format,
            simulator_url=simulator_url,
        )

        def on_ready(server_url: str) -> None:
            click.echo(next_steps(prepared, server_url, url, simulator_url), err=True)
            say_ready(server_url, simulator_url)

        serve(settings, on_ready, listener)


def _local_store(url: str, folder: Path, *, simulate: bool) -> str:
    """Return the URL of the store; UsageError unless it is one that `up` may apply to unasked."""
    if simulate:
        found = url or f"sqlite:///{(folder / STATE_DIRECTORY / SIMULATED_STORE).resolve()}"
    else:
        found = locate(url or os.environ.get("MODELOPS_STORE", ""), folder)
    if not found.startswith("sqlite:"):
        raise click.UsageError(
            "up applies without asking, so only to a SQLite store: name one with"
            f" --store sqlite:///PATH instead of {found.partition(':')[0]}://..., or use apply and"
            " serve"
        )
    if is_simulated(found) != simulate:
        raise click.UsageError(
            f"the store of --simulate, and no other, is a file {SIMULATED_STORE}: name another"
            " with --store"
        )
    return found


def _prepare(url: str, request: Request) -> Prepared:
    """Plan against the local store, and show the plan."""
    asyncio.run(stores.renew(url))
    prepared = stores.using(url, lambda store: prepare(store, request))
    text = render(prepared.plan, "text", color=terminal.colored(sys.stderr))
    click.echo(text, nl=False, err=True)
    return prepared


def next_steps(prepared: Prepared, server_url: str, store_url: str, simulator_url: str = "") -> str:
    """Return three lines: how to ask, how to see what it cost, what to read or to break."""
    resources = prepared.configuration.state
    settings = state.settings(resources)
    model = (settings.default_chain if settings else "") or next(iter(state.models(resources)), "")
    has_keys = any(agent.keys for agent in state.agents(resources).values())
    key = ' -H "authorization: Bearer $KEY"' if has_keys else ""
    body = f'{{"model": "{model}", "messages": [{{"role": "user", "content": "Hello"}}]}}'
    failing = f'curl {simulator_url}/_simulator/faults -d \'{{"provider": "NAME", "status": 529}}\''
    more = (
        f"break: {failing}; Ctrl-C stops"
        if simulator_url
        else f"read:  {server_url}/schema (all routes); Ctrl-C stops"
    )
    return (
        f"ask:   curl {server_url}/v1/chat/completions{key}"
        f" -H 'content-type: application/json' -d '{body}'\n"
        f"see:   {terminal.program()} usage --by model --store {store_url}\n"
        f"{more}"
    )
