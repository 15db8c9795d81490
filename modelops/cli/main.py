"""Entry point: finds the command, prints errors, ends with the documented exit code.

Commands are imported when they are called: `modelops --version` and `validate` must not pay for
SQLAlchemy, Litestar or an SDK. stdout carries what a program reads, stderr everything else.
"""

from __future__ import annotations

import gc
import importlib
import sys
from typing import NoReturn

from modelops import __version__
from modelops.resources.errors import ExitCode, ModelopsError

COMMANDS: dict[str, str] = {
    "init": "Begin a configuration that can be applied at once.",
    "validate": "Check a configuration folder; needs no key, store or network.",
    "fmt": "Bring every file into one layout.",
    "schema": "Print or write the JSON Schemas of the YAML form.",
    "plan": "Show what applying the folder would change.",
    "apply": "Move the store to what the folder declares, in one transaction.",
    "show": "Show a resource, or all of them, as the store holds them.",
    "history": "List the store's revisions.",
    "diff": "Show how two revisions differ.",
    "rollback": "Make a new revision with the content of an old one.",
    "dump": "Write what the store holds as a configuration folder.",
    "test": "Test the connections to providers: reached, key taken, models offered.",
    "discover": "Compare what a provider offers with what is declared.",
    "status": "Show what is live where, and what is broken.",
    "usage": "Report requests, tokens, cost and latency.",
    "catalog": "Show what is known of providers and models without being declared.",
    "key": "Make a key for an agent or an operator.",
    "identity": "Make, show and replace the key by which the server opens secrets.",
    "secret": "Encrypt a key into the file of a provider or an agent.",
    "doctor": "Explain how sops rules, keys, store and machine stand.",
    "up": "Validate, plan, apply and serve on a local store, in one.",
    "serve": "Serve the store's configuration over HTTP.",
    "simulator": "Run a provider to practise on, with faults on demand.",
}
"""Every command with its one-line help; `cli/NAME.py` holds its `command`."""


COLLECTION = (100_000, 50, 50)
"""Thresholds of the garbage collector: what a command makes lives as long as the command, and
looking for cycles in it, again and again, took a quarter of a large plan's time.
"""


def main() -> NoReturn:
    """Run the command line and exit."""
    if sys.argv[1:] == [
        "--version"
    ]:  # without click, which takes longer to import than this to run
        sys.stdout.write(f"modelops {__version__}\n")
        sys.exit(ExitCode.DONE)
    gc.set_threshold(*COLLECTION)
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command and return its exit code; errors are printed."""
    import click

    from modelops.cli import options, problems
    from modelops.cli.group import root

    chosen: dict[str, str] = {}
    try:
        result = root.main(arguments, prog_name="modelops", standalone_mode=False, obj=chosen)
    except ModelopsError as error:
        problems.show(error, chosen.get(options.OUTPUT_FORMAT, ""))
        return int(error.exit_code)
    except click.Abort:
        sys.stderr.write("aborted\n")
        return int(ExitCode.ERROR)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.ClickException as error:
        error.show()
        return int(ExitCode.ERROR)
    return int(result) if isinstance(result, int) else int(ExitCode.DONE)


def load(name: str) -> object:
    """Import the module of one command and return its `command`."""
    return importlib.import_module(f"modelops.cli.{name}").command
