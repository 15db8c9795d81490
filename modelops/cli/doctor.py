"""`modelops doctor`: explain how keys, rules, store and machine stand."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import click

from modelops.cli import options, terminal
from modelops.operations.doctor import examine
from modelops.operations.doctor.finding import Finding
from modelops.operations.doctor.machine import DEFAULT_PORT
from modelops.operations.location import store_url as locate
from modelops.plan.render.phrases import counted
from modelops.resources.errors import ExitCode


@click.command()
@options.folder
@options.environment
@options.store
@options.output_format("text", "json")
@click.option(
    "--port",
    type=click.IntRange(1, 65_535),
    default=DEFAULT_PORT,
    show_default=True,
    help="Port that is to be served on.",
)
def command(folder: Path, environment: str, store_url: str, output_format: str, port: int) -> int:
    """Check sops rules, recipients, keys, store, identity, port and clock.

    Changes nothing and shows no secret. Exits with 1 when something cannot work.
    """
    url = locate(store_url, folder)
    now = datetime.now(UTC)
    findings = asyncio.run(examine(folder, environment, url, os.environ, now, port))
    if output_format == "json":
        terminal.echo_json(findings)
    else:
        click.echo(_text(findings))
    failed = any(finding.status == "fail" for finding in findings)
    return ExitCode.ERROR if failed else ExitCode.DONE


def _text(findings: Sequence[Finding]) -> str:
    lines = []
    for finding in findings:
        lines.append(f"{finding.status:8} {finding.topic:14} {finding.subject}: {finding.message}")
        if finding.hint and finding.status != "ok":
            lines.append(f"{'':24}{finding.hint}")
    counts = [
        counted(sum(finding.status == status for finding in findings), noun)
        for status, noun in (("fail", "failure"), ("warning", "warning"), ("note", "note"))
    ]
    return "\n".join([*lines, f"{len(findings)} looked at: {', '.join(counts)}"])
