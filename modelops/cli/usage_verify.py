"""`modelops usage verify`: the books against a provider's invoice or usage export."""

from __future__ import annotations

from pathlib import Path

import click

from modelops.cli import options, stores, terminal
from modelops.ledger.invoices import read
from modelops.operations.location import existing
from modelops.operations.verify_usage import Difference, Verification, verify
from modelops.plan.render.phrases import counted
from modelops.resources.errors import ExitCode, ModelopsError


@click.command(short_help="Compare with a provider's usage export.")
@click.argument("file", type=click.Path(path_type=Path))
@options.folder
@options.database
@options.output_format("text", "json")
@click.option("--provider", required=True, metavar="NAME", help="Whose export it is.")
def command(
    file: Path, folder: Path, store_url: str, output_format: str, provider: str
) -> ExitCode:
    """Compare the books with a provider's usage export, by day (UTC) and model.

    FILE is a CSV of OpenAI, Anthropic or OpenRouter, or one with the columns day, model,
    input_tokens, output_tokens, cost_usd. Exits with 1 when anything differs.
    """
    try:
        export = read(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelopsError(f"{file} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ModelopsError(f"{file} is not UTF-8 text", "export it as CSV") from None
    except ModelopsError as error:
        raise ModelopsError(f"{file}: {error.message}", error.hint) from None
    found = stores.using_books(
        existing(store_url, folder), lambda store: verify(store, provider, export)
    )
    if output_format == "json":
        terminal.echo_json(found)
    else:
        click.echo(_text(found))
    return ExitCode.ERROR if found.differences else ExitCode.DONE


def _text(found: Verification) -> str:
    differ = f"{len(found.differences):,} differ" if found.differences else "no difference"
    lines = [f"{found.provider}: {counted(found.compared, 'model-day')} compared, {differ}"]
    for each in found.differences:
        lines += [f"{each.day}  {each.model}", *_parts(each)]
    if found.without_cost:
        lines.append(f"no cost in the file for {found.without_cost:,}: only tokens were compared")
    if found.absent_days:
        lines.append(f"not in the file, but in the books: {', '.join(found.absent_days)}")
    lines += [
        f"not compared, line {each.line}: {each.cost_usd} USD on {each.day} {each.model}".rstrip()
        for each in found.credits
    ]
    return "\n".join(lines)


def _parts(each: Difference) -> list[str]:
    parts = [
        ("input tokens", f"{each.billed_input_tokens:,}", f"{each.booked_input_tokens:,}"),
        ("output tokens", f"{each.billed_output_tokens:,}", f"{each.booked_output_tokens:,}"),
    ]
    if each.billed_cost_usd is not None:
        parts.append(("cost USD", each.billed_cost_usd, each.booked_cost_usd or "unknown"))
    lines = [
        f"    {name:<13}  billed {billed}, booked {booked}"
        for name, billed, booked in parts
        if billed != booked
    ]
    if each.unmetered:
        lines.append(f"    {each.unmetered:,} attempts in the books are unmetered")
    return lines
