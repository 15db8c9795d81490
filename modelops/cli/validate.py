"""`modelops validate`: check a configuration folder."""

from __future__ import annotations

import textwrap
from datetime import UTC, datetime
from pathlib import Path

import click

from modelops.cli import options, terminal
from modelops.config.report import FORMATS, render
from modelops.config.rules import RULES
from modelops.operations.validate import validate
from modelops.resources.errors import ExitCode, ModelopsError


@click.command()
@options.folder
@options.environment
@options.output_format(*FORMATS)
@click.option("--rules", is_flag=True, help="List every check instead, with why it exists.")
def command(folder: Path, environment: str, output_format: str, rules: bool) -> int:
    """Check a configuration folder; needs no key, store or network.

    Reports everything at once, each line as file:line:column. Exits with 1 when there are errors;
    warnings do not count.
    """
    if rules:
        click.echo(_rules(output_format), nl=False)
        return ExitCode.DONE
    report = validate(folder, environment, datetime.now(UTC))
    click.echo(render(report, output_format), nl=False)
    return ExitCode.ERROR if report.errors else ExitCode.DONE


def _rules(output_format: str) -> str:
    if output_format == "json":
        return terminal.as_json(list(RULES.values())) + "\n"
    if output_format != "text":
        raise ModelopsError("rules are listed as text or json", "leave --format out, or name json")
    return "".join(
        f"{rule.id} ({rule.severity})\n{textwrap.indent(textwrap.fill(rule.doc, 90), '  ')}\n"
        for rule in RULES.values()
    )
