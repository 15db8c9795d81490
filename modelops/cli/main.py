"""Entry point: finds the command, prints errors, ends with the documented exit code.

stdout carries what a program reads, stderr everything else.
"""

from __future__ import annotations

import gc
import sys
from typing import NoReturn

from modelops import __version__
from modelops.resources.errors import ExitCode, ModelopsError

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
