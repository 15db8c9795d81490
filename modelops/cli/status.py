"""`modelops status`: what is live where, and what is broken."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import click
import msgspec

from modelops.cli import options
from modelops.operations.location import store_url as locate
from modelops.operations.status import ProviderStatus, Status, WorkerStatus, status
from modelops.store import open_for_commands

MARKS = {"open": "OPEN", "error": "ERROR"}
"""States that somebody woken at three must not overlook."""


@click.command()
@options.folder
@options.store
@options.output_format("text", "json")
def command(folder: Path, store_url: str, output_format: str) -> None:
    """Show what is live where, and what is broken.

    Reads what every worker says of itself in the store; a worker that has said nothing for ten
    seconds is not shown.
    """
    found = asyncio.run(_status(locate(store_url, folder)))
    if output_format == "json":
        click.echo(msgspec.json.format(msgspec.json.encode(found), indent=2))
    else:
        click.echo("\n".join(lines(found)))


async def _status(url: str) -> Status:
    store = open_for_commands(url)
    try:
        return await status(store, time.time_ns() // 1000)
    finally:
        await store.close()


def lines(found: Status) -> Iterator[str]:
    """Yield the status as text: first what is live, then what is wrong, last the way back."""
    yield from _head(found)
    for worker in found.workers:
        if not worker.live:
            yield _behind(worker)
    yield ""
    width = max((len(provider.provider) for provider in found.providers), default=0)
    for provider in found.providers:
        yield _provider(provider, width)
        for target in provider.targets:
            if target.state != "ok":
                yield f"  {'':{width}}  {target.target}: {target.state}, {target.last_error}"
    if found.undo:
        yield ""
        yield f"To undo the last change: {found.undo}"


def _head(found: Status) -> Iterator[str]:
    if not found.revision:
        yield "Nothing has been applied yet; run `modelops apply`."
        return
    where = f"{found.config} ({found.environment})" if found.environment else found.config
    commit = f", commit {found.git_commit[:12]}" if found.git_commit else ""
    said = f": {found.message}" if found.message else ""
    yield (
        f"{where}: revision {found.revision}, applied {duration(found.age_s)} ago"
        f" by {found.applied_by}{commit}{said}"
    )
    practice = ", simulated providers" if found.simulated else ""
    yield (
        f"live on {found.live} of {len(found.workers)} workers, store {found.store},"
        f" {found.waiting} rows waiting{practice}"
    )
    if found.lost:
        yield f"{found.lost} rows of the books are LOST: {found.books_error}"
    elif found.books_error:
        yield f"the books do not reach the store: {found.books_error}"


def _behind(worker: WorkerStatus) -> str:
    why = worker.error or "it has not taken the new revision yet"
    return f"worker {worker.host}:{worker.pid} is at revision {worker.revision}: {why}"


def _provider(provider: ProviderStatus, width: int) -> str:
    state = MARKS.get(provider.state, provider.state)
    text = f"  {provider.provider:{width}}  {state:8}"
    if provider.calls:
        text += f"  {provider.failures} of {provider.calls} calls failed in 5 minutes"
    if provider.next_try_s:
        text += f"  next try in {duration(provider.next_try_s)}"
    if provider.last_error:
        at = f" at {provider.last_error_at}" if provider.last_error_at else ""
        text += f"  last error{at}: {provider.last_error}"
    return text.rstrip()


def duration(seconds: float) -> str:
    """Return a length of time in its largest whole unit: `3 minutes`."""
    for size, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= size:
            count = int(seconds // size)
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return f"{max(0, round(seconds))} s"
