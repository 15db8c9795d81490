"""The person at the terminal: who it is, what it can show them, and asking for consent.

A question goes to stderr, like everything that no program reads. Where nobody can answer, that is
an error and not a yes.
"""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

import click
import msgspec

from modelops.resources.errors import ModelopsError

_CI_ACTORS = ("GITHUB_ACTOR", "GITLAB_USER_LOGIN", "BUILDKITE_BUILD_CREATOR")
"""Where CI systems name the person behind a job, whose own user is nobody."""


def agreed(question: str, hint: str = "look at the plan, then pass --yes to apply it") -> bool:
    """Ask a yes-or-no question, no by default; ModelopsError with it where there is no terminal."""
    if sys.stdin is None or not sys.stdin.isatty():
        raise ModelopsError(f"there is no terminal to ask on: {question}", hint)
    return click.confirm(question, default=False, err=True)


def caller(environ: Mapping[str, str] = os.environ) -> str:
    """Return who runs this, as user@host; in CI the person behind the job."""
    user = next((environ[name] for name in _CI_ACTORS if environ.get(name)), "")
    if not user:
        try:
            user = getpass.getuser()
        except (OSError, KeyError):  # a container's user without a name
            user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"


def echo_json(document: object) -> None:
    """Write a document to stdout as JSON that a person can read too."""
    click.echo(as_json(document))


def as_json(document: object) -> str:
    """Return a document as JSON that a person can read too, without a final line break."""
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode()


def program() -> str:
    """Return what to type to call this program: its name where PATH finds it, else its path."""
    script = Path(sys.executable).with_name("modelops")
    found = shutil.which("modelops")
    return "modelops" if found and script.samefile(found) else os.path.relpath(script)


def colored(stream: object, environ: Mapping[str, str] = os.environ) -> bool:
    """Return whether a stream takes color: a terminal that is not dumb, without NO_COLOR."""
    is_terminal = getattr(stream, "isatty", lambda: False)()
    return bool(is_terminal) and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"


def width(stream: object) -> int | None:
    """Return how many characters a line of a terminal holds; None if it is not one."""
    is_terminal = getattr(stream, "isatty", lambda: False)()
    return shutil.get_terminal_size().columns if is_terminal else None
