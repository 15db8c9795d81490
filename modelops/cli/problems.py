"""How the error that ended a command is shown: to a person, or to the program that asked for it.

A folder with errors is a result like any other to a program, so `--format json`, `github` and
`sarif` put it on stdout in that form. So does `MODELOPS_DIAGNOSTICS`, for every command whose own
`--format` is none of these. Every other error goes to stderr in words.
"""

from __future__ import annotations

import os
import sys

from modelops.resources.errors import ModelopsError

VARIABLE = "MODELOPS_DIAGNOSTICS"


def show(error: ModelopsError, output_format: str) -> None:
    """Print an error; `output_format` is the command's `--format`, '' when it has none.

    `MODELOPS_DIAGNOSTICS` is one of json, github, sarif; anything else stands for words.
    """
    from modelops.config import InvalidConfigurationError
    from modelops.config.report import PROGRAM_FORMATS, render

    if output_format not in PROGRAM_FORMATS:
        output_format = os.environ.get(VARIABLE, "")
    if isinstance(error, InvalidConfigurationError) and output_format in PROGRAM_FORMATS:
        sys.stdout.write(render(error.report, output_format))
        return
    sys.stderr.write(f"error: {error.message}\n")
    if error.hint:
        sys.stderr.write(f"  {error.hint}\n")
