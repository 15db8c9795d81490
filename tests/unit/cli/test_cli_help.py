"""What every command says of itself: whole sentences, and every option explained."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest

from modelops.cli.group import root


def _commands(parent: click.Group, *names: str) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(parent)
    for name in parent.list_commands(context):
        command = parent.get_command(context, name)
        assert command is not None
        yield " ".join((*names, name)), command
        if isinstance(command, click.Group):
            yield from _commands(command, *names, name)


COMMANDS = dict(_commands(root))


def _help(name: str) -> str:
    command = COMMANDS[name]
    return command.get_help(click.Context(command, info_name=name, terminal_width=80))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_explained(name: str) -> None:
    options = [one for one in COMMANDS[name].params if isinstance(one, click.Option)]
    assert [one.name for one in options if not one.help] == []


@pytest.mark.parametrize(
    "name", [name for name, one in COMMANDS.items() if hasattr(one, "commands")]
)
def test_no_command_of_a_list_is_cut_short(name: str) -> None:
    listed = _help(name).partition("Commands:")[2].splitlines()
    assert len(listed) > 1
    assert [line for line in listed if line.endswith("...")] == []


def test_the_exit_codes_are_told() -> None:
    shown = " ".join(root.get_help(click.Context(root, info_name="modelops")).split())
    assert "3 refused by safety or policy" in shown
