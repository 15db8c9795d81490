"""Open `env:NAME` and `file:NAME`: secrets that the configuration names and the server holds.

A reference comes out of a git repository, so it must not be able to name anything else the server
can read: variables begin with MODELOPS_SECRET_, files lie directly under MODELOPS_SECRETS_DIR. Both
are checked here again, although the loader has checked them: a row of a store is not trusted.
"""

from __future__ import annotations

import logging
import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path

from modelops.secrets.errors import SecretError
from modelops.secrets.secret import Secret

DIRECTORY_VARIABLE = "MODELOPS_SECRETS_DIR"
MAX_BYTES = 16_384
"""Longest value of a reference: ten times the longest provider key known (a service token)."""

_VARIABLE = re.compile(r"MODELOPS_SECRET_[A-Z0-9_]{1,80}")
_FILE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,120}")
_FORBIDDEN = re.compile(r"[^\x20-\x7e]")

_log = logging.getLogger(__name__)


def open_reference(reference: str, environ: Mapping[str, str]) -> Secret:
    """Return the secret behind `env:NAME` or `file:NAME`; SecretError says why there is none."""
    kind, _, name = reference.partition(":")
    if kind == "env":
        return checked(_variable(name, environ), f"the variable {name}")
    if kind == "file":
        path = _path(name, environ)
        return checked(_content(path), f"the file {path}")
    raise SecretError("the reference to a secret is neither env:NAME nor file:NAME")


def _variable(name: str, environ: Mapping[str, str]) -> str:
    if not _VARIABLE.fullmatch(name):
        raise SecretError(
            "the reference names a variable that does not begin with MODELOPS_SECRET_",
            "only MODELOPS_SECRET_* may be read, so that a configuration cannot read the rest",
        )
    value = environ.get(name)
    if value is None:
        raise SecretError(f"the variable {name} is not set", "set it where the server is started")
    return value


def _path(name: str, environ: Mapping[str, str]) -> Path:
    """Return the file a name stands for, symbolic links followed, inside the secrets directory.

    Links may point within the directory: that is how Kubernetes swaps a mounted secret.
    """
    if not _FILE.fullmatch(name):
        raise SecretError(
            "the reference names a file by something other than a plain file name",
            f"files lie directly under {DIRECTORY_VARIABLE}",
        )
    setting = environ.get(DIRECTORY_VARIABLE)
    if not setting:
        raise SecretError(
            f"the file {name} cannot be found: {DIRECTORY_VARIABLE} is not set",
            "set it to the directory that holds the server's secrets",
        )
    try:
        directory = Path(setting).resolve(strict=True)
        path = (directory / name).resolve(strict=True)
    except (OSError, RuntimeError):  # RuntimeError: a loop of links, before Python 3.13
        raise SecretError(
            f"there is no file {name} under {setting} ({DIRECTORY_VARIABLE})"
        ) from None
    if not path.is_relative_to(directory):
        raise SecretError(f"the file {name} is a link that leaves {setting} ({DIRECTORY_VARIABLE})")
    return path


def _content(path: Path) -> str:
    try:
        with open(path, "rb", opener=_open_regular) as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise SecretError(f"the file {path} cannot be read: {error.strerror}") from None
    if len(content) > MAX_BYTES:
        raise SecretError(f"the file {path} is longer than {MAX_BYTES} bytes")
    text = content.decode("latin-1")  # never fails; anything but ASCII is refused with the rest
    return text.removesuffix("\n").removesuffix("\r")


def _open_regular(path: str, flags: int) -> int:
    """Open a regular file only: a pipe would make the server wait for a writer."""
    descriptor = os.open(path, flags | os.O_NONBLOCK | os.O_NOFOLLOW)
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        raise SecretError(f"the file {path} is not a regular file")
    if mode & (stat.S_IROTH | stat.S_IWOTH):
        _log.warning("the secret file %s is open to every user of this machine", path)
    return descriptor


def checked(value: str, what: str) -> Secret:
    """Return a value as a Secret; refuse what no header can carry, where every secret goes."""
    if not value:
        raise SecretError(f"{what} is empty")
    if len(value) > MAX_BYTES:
        raise SecretError(f"{what} is longer than {MAX_BYTES} bytes")
    if _FORBIDDEN.search(value):
        raise SecretError(
            f"{what} holds line breaks or other characters no key has",
            "one key on one line, nothing else",
        )
    if value != value.strip():
        raise SecretError(f"{what} begins or ends with a blank", "copy the key alone")
    return Secret(value)
