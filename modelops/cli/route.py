"""`modelops route`: which targets a request with this name would meet, in which order."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import click

from modelops.cli import options, terminal
from modelops.gateway.call import Endpoint
from modelops.gateway.explain import Explained, Explanation
from modelops.operations.location import existing
from modelops.operations.route import ENDPOINT, RouteQuestion, route
from modelops.store import open_for_commands
from modelops.store.opening import is_remote


@click.command()
@click.argument("model", required=False, default="")
@options.folder
@options.store
@options.output_format("text", "json")
@click.option(
    "--agent", default="", metavar="NAME", help="Agent that makes the request (default: none)."
)
@click.option("--prefer", default="", metavar="PROVIDER", help="As x-modelops-prefer would say.")
@click.option(
    "--endpoint",
    type=click.Choice(get_args(Endpoint)),
    default=ENDPOINT,
    show_default=True,
    help="The path that would be called.",
)
def command(
    model: str,
    folder: Path,
    store_url: str,
    output_format: str,
    agent: str,
    prefer: str,
    endpoint: Endpoint,
) -> None:
    """Explain what a request for MODEL would run through; without one, the default chain.

    Needs no running server. With --store https://... a server is asked, which also knows what is
    open, cooling or without a key just now.
    """
    url = existing(store_url, folder)
    question = RouteQuestion(model=model, agent=agent, prefer=prefer, endpoint=endpoint)
    found = asyncio.run(_route(url, question))
    if output_format == "json":
        terminal.echo_json(found)
        return
    click.echo("\n".join(lines(found)))
    if not is_remote(url):
        click.echo(
            "Keys and health are a running server's to know: ask it with --store URL.", err=True
        )


async def _route(url: str, question: RouteQuestion) -> Explanation:
    store = open_for_commands(url)
    try:
        return await route(store, question)
    finally:
        await store.close()


def lines(found: Explanation) -> Iterator[str]:
    """Yield the explanation as text: what was found, then a line for each target in its order."""
    what = f"chain {found.chain}" if found.chain else f"model {found.targets[0].target}"
    most = min(found.max_attempts, sum(1 + target.max_retries for target in found.targets))
    yield f"{what}: at most {most} attempts in {found.deadline:g} s"
    width = max(len(target.target) for target in found.targets)
    for number, target in enumerate(found.targets, 1):
        yield f"{number:>3}. {target.target:{width}}  {target.state:9}  {_facts(target)}"


def _facts(target: Explained) -> str:
    if target.reason:
        again = f"; again in {target.seconds:.0f} s" if target.seconds else ""
        return target.reason + again
    retries = "1 retry" if target.max_retries == 1 else f"{target.max_retries} retries"
    return f"{retries}, first content within {target.timeout:g} s"
