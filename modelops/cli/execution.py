"""The last stage of `apply` and `rollback`: show the plan, ask, carry it out, say what stands.

The plan and the question go to stderr; stdout has the result alone.
"""

from __future__ import annotations

import asyncio
import sys

import click

from modelops.cli import stores, terminal, waiting
from modelops.operations.apply import apply, check_refusals, declared_otherwise
from modelops.operations.plan import Prepared
from modelops.plan.render import render
from modelops.resources.errors import ExitCode
from modelops.store import migrate
from modelops.store.protocol import Revision


def carry_out(
    prepared: Prepared,
    url: str,
    *,
    ask: str,
    message: str,
    output_format: str,
    wait: bool = False,
) -> ExitCode:
    """Apply a plan and return the exit code; `ask` is the question, '' when none is needed.

    With `wait` it ends once what stands is live in every worker. RefusedError (exit 3) when safety
    says no, StaleError (exit 4) when the store has moved on, NotLiveError (exit 6).
    """
    shown = render(prepared.plan, "text", color=terminal.colored(sys.stderr))
    click.echo(shown, nl=False, err=True)
    check_refusals(prepared.plan)
    made: Revision | None = None
    changing = not prepared.plan.empty
    if changing and ask and not terminal.agreed(ask):
        click.echo("Nothing was applied.", err=True)
        return ExitCode.ERROR
    if changing or declared_otherwise(prepared):
        asyncio.run(migrate(url))
        made = stores.using(url, lambda store: apply(store, prepared, message=message))
    click.echo(_result(made, prepared, output_format))
    if wait:
        waiting.wait(url, made.revision if made else prepared.base.head.revision)
    return ExitCode.DONE


def _result(made: Revision | None, prepared: Prepared, output_format: str) -> str:
    """Say at which revision the store stands now; as SARIF, what the plan warned of."""
    if output_format == "sarif":
        return render(prepared.plan, "sarif").rstrip("\n")
    head = prepared.base.head
    revision = made.revision if made else head.revision
    if output_format == "json":
        document = {
            "applied": made is not None,
            "revision": revision,
            "digest": made.digest if made else head.digest,
            "base": head.revision,
            "plan_digest": prepared.plan.plan_digest,
            "summary": prepared.plan.summary,
        }
        return terminal.as_json(document)
    if made:
        return f"Applied: revision {revision} of {made.info.config}."
    return f"Nothing to apply: revision {revision} stands."
