"""`modelops status`: what is live where, and what is broken."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import click

from modelops.cli import options, terminal
from modelops.operations.location import existing
from modelops.operations.status import ProviderState, ProviderStatus, Status, WorkerStatus, status
from modelops.resources import commits
from modelops.resources.errors import ExitCode
from modelops.resources.times import now_us
from modelops.store import open_for_commands

MARKS = {"open": "OPEN", "error": "ERROR", "half_open": "half open"}
"""States that somebody woken at three must not overlook, and one of two words."""

SILENT_S = 4.0
"""After two heartbeats that are missing, what workers said may not hold any more."""

SEVERITY: tuple[ProviderState, ...] = (
    "error",
    "open",
    "half_open",
    "failing",
    "cooling",
    "ok",
    "idle",
    "disabled",
)
"""The order in which providers are shown: what is broken first."""


@click.command()
@options.folder
@options.store
@options.output_format("text", "json")
@click.option(
    "--detailed-exitcode",
    is_flag=True,
    help="Exit with 6 instead of 0 unless the store answers, workers run, and the newest revision"
    " is live on all.",
)
def command(folder: Path, store_url: str, output_format: str, detailed_exitcode: bool) -> ExitCode:
    """Show what is live where, and what is broken.

    Reads what every worker says of itself in the store, every two seconds; a worker that has said
    nothing for ten seconds is not shown. With --store https://... a running server is asked.
    """
    found = asyncio.run(_status(existing(store_url, folder)))
    if output_format == "json":
        terminal.echo_json(found)
    else:
        click.echo("\n".join(lines(found, datetime.now(UTC))))
    follow = found.revision and found.workers and found.live == len(found.workers)
    live = follow and found.store == "ok"
    return ExitCode.NOT_LIVE if detailed_exitcode and not live else ExitCode.DONE


async def _status(url: str) -> Status:
    store = open_for_commands(url)
    try:
        return await status(store, now_us())
    finally:
        await store.close()


def lines(found: Status, now: datetime) -> Iterator[str]:
    """Yield the status as text: what is live, what is wrong, what is well, last the way back."""
    yield from _head(found)
    for worker in found.workers:
        if not worker.live:
            yield _behind(worker)
    yield ""
    width = max((len(provider.provider) for provider in found.providers), default=0)
    for provider in sorted(found.providers, key=lambda item: SEVERITY.index(item.state)):
        yield from _provider(provider, width, now)
    if found.undo:
        yield ""
        yield f"To undo the last change: {found.undo}"


def _head(found: Status) -> Iterator[str]:
    if not found.revision:
        yield "Nothing has been applied yet; run `modelops apply`."
        return
    where = f"{found.config} ({found.environment})" if found.environment else found.config
    commit = f", commit {commits.short(found.git_commit)}" if found.git_commit else ""
    said = f": {found.message}" if found.message else ""
    applied = f", applied {duration(found.age_s)} ago by {found.applied_by}"
    yield f"{where}: revision {found.revision}{applied if found.applied_at else ''}{commit}{said}"
    yield _live(found)
    if found.collapsed:
        yield f"{found.collapsed} rows of the books gave up their detail for want of room"
    if found.lost:
        why = f": {found.books_error}" if found.books_error else ""
        yield f"{found.lost} rows of the books are LOST{why}"
    elif found.books_error:
        yield f"the books do not reach the store: {found.books_error}"
    if found.clock_error:
        yield found.clock_error


def _live(found: Status) -> str:
    """Return what workers say, and when they said it: of one that is silent nothing is known."""
    if not found.workers and found.heard_at:
        return (
            f"no worker has said anything since {found.heard_at}: it is gone, or the store takes no"
            " rows; what waits for the store is not known"
        )
    if not found.workers:
        live = "no worker is running; start one with `modelops serve`"
    else:
        live = f"live on {found.live} of {len(found.workers)} workers"
    practice = ", simulated providers" if found.simulated else ""
    said = f"{live}, store {found.store}, {found.waiting} rows waiting{practice}"
    if found.silent_s < SILENT_S:
        return said
    ago = duration(found.silent_s)
    return f"{said}, as workers said {ago} ago: perhaps the store takes no rows"


def _behind(worker: WorkerStatus) -> str:
    why = worker.error or "it has not taken the new revision yet"
    return f"worker {worker.host}:{worker.pid} is at revision {worker.revision}: {why}"


def _provider(provider: ProviderStatus, width: int, now: datetime) -> Iterator[str]:
    """Yield a provider: its state, then on lines of their own what is wrong and how it tested."""
    state = MARKS.get(provider.state, provider.state)
    facts = []
    if provider.calls:
        facts.append(f"{provider.failures} of {provider.calls} calls failed in 5 minutes")
    if provider.next_try_s:
        facts.append(f"next try in {duration(provider.next_try_s)}")
    if provider.connection == "connected":
        facts.append(f"connected when tested {_ago(provider.tested_at, now)}")
    yield f"  {provider.provider:{width}}  {state:9}  {', '.join(facts)}".rstrip()
    below = " " * (width + 4)
    for target in provider.targets:
        if target.state != "ok":
            where = f" for {', '.join(target.endpoints)}" if target.endpoints else ""
            yield f"{below}{target.target} is {MARKS.get(target.state, target.state)}{where}"
    if provider.last_error:
        at = f" {_ago(provider.last_error_at, now)}" if provider.last_error_at else ""
        yield f"{below}last error{at}: {provider.last_error}"
    if provider.test_error:
        tested = _ago(provider.tested_at, now)
        yield f"{below}{provider.connection} when tested {tested}: {provider.test_error}"


def _ago(moment: str, now: datetime) -> str:
    return f"{duration((now - datetime.fromisoformat(moment)).total_seconds())} ago"


def duration(seconds: float) -> str:
    """Return a length of time in its largest whole unit: `3 minutes`."""
    for size, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= size:
            count = int(seconds // size)
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return f"{max(0, round(seconds))} s"
