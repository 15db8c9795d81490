"""The click group behind `modelops`: knows every command by name, imports one when it is called."""

from __future__ import annotations

import click

from modelops import __version__
from modelops.cli.commands import COMMANDS, load


class LazyGroup(click.Group):
    """A group whose commands are modules that are not imported yet."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, in the order in which they are met."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one command."""
        return load(cmd_name) if cmd_name in COMMANDS else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.command(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 done or nothing to do, 1 error, 2 changes (plan --detailed-exitcode), "
    "3 refused by safety or policy, 4 stale, 5 lock timeout, 6 applied but not live everywhere. "
    "MODELOPS_KEY is sent to a server at https://.",
)
@click.version_option(__version__, message="modelops %(version)s")
def root() -> None:
    """Config-as-code for LLM providers: plan, apply and serve failover chains from YAML in git."""
