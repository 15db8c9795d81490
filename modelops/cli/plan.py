"""`modelops plan`: show what applying the folder would change."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from modelops.cli import options, stores, terminal
from modelops.operations.location import state_directory
from modelops.operations.location import store_url as locate
from modelops.operations.plan import Request, plan
from modelops.plan import document
from modelops.plan.document import Plan
from modelops.plan.render import FORMATS, render
from modelops.resources.errors import ExitCode, ModelopsError
from modelops.store.opening import is_remote


@click.command()
@options.folder
@options.environment
@options.store
@options.output_format(*FORMATS)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the plan document for a later `apply FILE`.",
)
@click.option(
    "--base",
    "base_ref",
    metavar="REF",
    help="Compare with a git commit instead of the store; needs neither store nor key.",
)
@click.option(
    "--detailed-exitcode", is_flag=True, help="Exit with 2 instead of 0 when there are changes."
)
def command(
    folder: Path,
    environment: str,
    store_url: str,
    output_format: str,
    out: Path | None,
    base_ref: str | None,
    detailed_exitcode: bool,
) -> int:
    """Show what applying the folder would change.

    Writes nothing and needs no key. Exits with 3 when safety refuses the plan, before apply would.
    """
    url = locate(store_url, folder)
    request = Request(
        folder=folder,
        environment=environment,
        created_by=terminal.caller(),
        now=datetime.now(UTC),
        state_directory=state_directory(url, folder),
        simulated=base_ref is None and stores.is_simulated(url),
        through_server=is_remote(url),
    )
    if base_ref is None:
        made = stores.using(url, lambda store: plan(store, request))
    else:
        from modelops.operations.compare import compare

        made = compare(request, base_ref)
    if out is not None:
        _write(out, made)
    click.echo(render(made, output_format, color=terminal.colored(sys.stdout)), nl=False)
    return _exit_code(made, detailed=detailed_exitcode)


def _write(path: Path, made: Plan) -> None:
    try:
        path.write_bytes(document.encode(made))
    except OSError as error:
        raise ModelopsError(f"{path}: cannot write the plan: {error.strerror}") from error


def _exit_code(made: Plan, *, detailed: bool) -> ExitCode:
    if made.refusals:
        return ExitCode.REFUSED
    return ExitCode.CHANGES if detailed and not made.empty else ExitCode.DONE
