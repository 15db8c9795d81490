"""`modelops test`: are the declared providers reached, their keys taken, their models offered."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from modelops.cli import options, terminal
from modelops.config import load_configuration
from modelops.operations.location import store_url as locate
from modelops.operations.test import connection_reports, keep, subjects
from modelops.probes.report import Report, Step
from modelops.resources.configuration import Configuration
from modelops.resources.errors import ExitCode, ModelopsError
from modelops.resources.times import now_us
from modelops.store import open_store


@click.command()
@click.argument("names", nargs=-1, metavar="[PROVIDER|PROVIDER/MODEL]...")
@options.folder
@options.environment
@options.database
@options.output_format("text", "json")
@click.option(
    "--call", is_flag=True, help="Also make one small real request to each; costs a little."
)
def command(
    names: tuple[str, ...],
    folder: Path,
    environment: str,
    store_url: str,
    output_format: str,
    call: bool,
) -> int:
    """Test the connections to providers: every enabled one, or those named.

    Looks the name up, connects, encrypts, tries the key and compares the models, in that order, and
    says what to do about the step that fails. Free, but for --call. Exits with 1 when a test fails.

    It is always the real providers that are asked, with the keys that open on this machine. A
    running server asks with its own keys, and under `up --simulate` its simulator: POST
    /api/providers/NAME/test. The store keeps the results of providers it holds as declared here.
    """
    configuration = load_configuration(folder, environment)
    tested = subjects(configuration, folder, names, os.environ)
    progress = _Progress(len(tested))
    reports = asyncio.run(connection_reports(tested, call=call, now_us=now_us, done=progress.done))
    progress.clear()
    _keep(locate(store_url, folder), configuration, reports)
    if output_format == "json":
        terminal.echo_json(reports)
    else:
        click.echo("\n".join(lines(reports, every_step=bool(names))))
    failed = any(report.status != "connected" for report in reports)
    return ExitCode.ERROR if failed else ExitCode.DONE


def _keep(url: str, configuration: Configuration, reports: Sequence[Report]) -> None:
    """Keep the results in the store, if there is one; a store that is away spoils no test."""
    try:
        asyncio.run(_kept(url, configuration, reports))
    except ModelopsError as error:
        click.echo(f"the results are not kept: {error.message}", err=True)


async def _kept(url: str, configuration: Configuration, reports: Sequence[Report]) -> int:
    store = open_store(url)
    try:
        return await keep(store, configuration, reports)
    finally:
        await store.close()


def lines(reports: Sequence[Report], *, every_step: bool) -> Iterator[str]:
    """Yield the reports as text: a line each, with its steps where one failed or all are wanted."""
    width = max((len(report.provider) for report in reports), default=0)
    for report in reports:
        yield f"{report.provider:{width}}  {report.status:12}  {_facts(report)}"
        for step in report.steps:
            if every_step or step.status == "failed":
                yield from _step(step)
    good = sum(report.status == "connected" for report in reports)
    yield f"{good} of {len(reports)} providers connected"


def _facts(report: Report) -> str:
    took = sum(step.latency_us for step in report.steps) // 1000
    offered = sum(check.offer == "offered" for check in report.models)
    unknown = sum(check.offer == "unknown" for check in report.models)
    known = f"{offered} of {len(report.models)} models offered"
    untested = next(
        (s.detail for s in report.steps if s.step == "authentication" and s.status == "skipped"), ""
    )
    facts = [f"{took} ms", "" if unknown else known]
    if report.status == "connected" and untested not in ("", "no key needed"):
        facts.append(f"key not tested: {untested}")
    return ", ".join(fact for fact in facts if fact)


def _step(step: Step) -> Iterator[str]:
    if step.diagnosis is None:
        took = f"{step.latency_us // 1000:>6} ms" if step.status == "passed" else f"{'-':>9}"
        yield f"  {step.step:14} {took}  {step.detail}".rstrip()
        return
    yield f"  {step.step:14} {'FAILED':>9}  {step.diagnosis.message}"
    if step.diagnosis.hint:
        yield f"  {'':24}  {step.diagnosis.hint}"


class _Progress:
    """How many tests are done, on stderr where that is a terminal."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._done = 0
        self._shown = sys.stderr.isatty()

    def done(self, report: Report) -> None:
        """Count one more."""
        self._done += 1
        if self._shown:
            sys.stderr.write(f"\r\033[K{self._done} of {self._total} tested: {report.provider}")
            sys.stderr.flush()

    def clear(self) -> None:
        """Take the line off the terminal."""
        if self._shown:
            sys.stderr.write("\r\033[K")
