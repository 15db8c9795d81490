"""`modelops simulator`: a provider to practise on, as a process of its own."""

from __future__ import annotations

from pathlib import Path

import click

from modelops.simulator import faults, process
from modelops.simulator.simulator import Simulator


@click.command()
@click.option(
    "--host",
    default="127.0.0.1",
    metavar="ADDRESS",
    show_default=True,
    help="Address to listen on.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=0,
    show_default=True,
    help="Port to listen on; 0 takes any free one.",
)
@click.option(
    "--fault",
    "fault_texts",
    multiple=True,
    metavar="WHOM:WHAT",
    help="Something that goes wrong, as PROVIDER[/MODEL]:key=value,... (* for any provider), "
    "for example anthropic:status=529,times=2 or openai:hang. May be repeated.",
)
@click.option("--seed", default=0, show_default=True, help="Seed for ids and answers.")
@click.option(
    "--ledger",
    "ledger_file",
    type=click.Path(path_type=Path, dir_okay=False, writable=True),
    metavar="FILE",
    help="Append a JSON line for every request served.",
)
@click.option("--exit-with-parent", is_flag=True, help="End when the process that started it ends.")
def command(
    host: str,
    port: int,
    fault_texts: tuple[str, ...],
    seed: int,
    ledger_file: Path | None,
    exit_with_parent: bool,
) -> None:
    """Run a provider to practise on, with faults on demand.

    Prints one line of JSON with its URL. Provider NAME is at URL/NAME and speaks the protocols of
    OpenAI, Anthropic, Gemini and Ollama; any key will do that does not begin with "bad".
    """
    simulator = Simulator(
        seed=seed, faults=[faults.parse(text) for text in fault_texts], ledger_file=ledger_file
    )
    process.run(
        simulator, host=host, port=port, exit_with_parent=exit_with_parent, announce=click.echo
    )
