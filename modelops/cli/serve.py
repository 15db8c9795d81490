"""`modelops serve`: serve a store's configuration over HTTP."""

from __future__ import annotations

from pathlib import Path

import click

from modelops.cli import options
from modelops.cli.listening import listening, say_ready
from modelops.operations.location import store_url as locate
from modelops.server.logs import LogFormat, set_up_logging
from modelops.server.settings import ServerSettings


@click.command()
@options.folder
@options.environment
@options.database
@click.option(
    "--simulator",
    "simulator_url",
    default="",
    metavar="URL",
    help="Put the simulator at this URL behind every provider.",
)
@click.option(
    "--admin-bind",
    default="",
    metavar="HOST:PORT",
    help="Answer /api, /metrics and /schema only on this address (default: the port of /v1).",
)
@listening
def command(
    folder: Path,
    environment: str,
    store_url: str,
    simulator_url: str,
    admin_bind: str,
    host: str,
    port: int,
    workers: int,
    log_format: LogFormat,
) -> None:
    """Serve the configuration a store holds; a new revision is live within a second.

    Needs no configuration folder: -C only says where the default store is. Stops on Ctrl-C or
    SIGTERM when running requests are finished, after 30 seconds at most.
    """
    from modelops.server.serving import serve

    set_up_logging(log_format)
    settings = ServerSettings(
        store_url=locate(store_url, folder),
        state_directory=str((folder / ".modelops").resolve()),
        environment=environment,
        host=host,
        port=port,
        workers=workers,
        log_format=log_format,
        admin_bind=admin_bind,
        simulator_url=simulator_url,
    )
    serve(settings, say_ready)
