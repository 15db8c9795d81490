"""The server's own identity: the private key that opens what applying has sealed.

It lies in MODELOPS_SERVER_IDENTITY_FILE, else in `server.key` beside a local store. The file may
hold several identities, one a line: the first is the current one, the others still open what was
sealed to them, so that a rotation has no moment at which something does not open.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from modelops.secrets import identities
from modelops.secrets.atomic import replace_file
from modelops.secrets.errors import SecretError
from modelops.secrets.identities import Identity

VARIABLE = "MODELOPS_SERVER_IDENTITY_FILE"
FILE_NAME = "server.key"


def location(state_directory: Path, environ: Mapping[str, str]) -> Path:
    """Return where the identity lies; `state_directory` is the `.modelops` of a configuration."""
    named = environ.get(VARIABLE)
    return Path(named) if named else state_directory / FILE_NAME


def create(state_directory: Path, environ: Mapping[str, str]) -> tuple[Path, Identity]:
    """Make the server's identity, and return where it lies; SecretError when there is one.

    A state directory that gets it is kept out of git, so that no `git add .` takes the key along.
    """
    path = location(state_directory, environ)
    identity = identities.create(path)
    ignored = state_directory / ".gitignore"
    if path.parent == state_directory and not ignored.exists():
        ignored.write_text("*\n", encoding="ascii")
    return path, identity


def load(path: Path) -> tuple[Identity, ...]:
    """Return the server's identities, the current one first; SecretError when there is none."""
    found = identities.read_file(path, private=True)
    if not found:
        raise SecretError(
            f"the identity file {path} holds no age identity",
            "make one with: modelops identity create",
        )
    return found


def rotate(path: Path) -> tuple[Identity, ...]:
    """Put a new identity before those in the file, which go on opening what they opened."""
    rotated = (identities.generate(), *load(path))
    replace_file(path, identities.file_content(rotated).encode(), mode=0o600)
    return rotated


def retire(path: Path) -> tuple[Identity, ...]:
    """Drop all but the current identity, and return those that were dropped."""
    current, *old = load(path)
    replace_file(path, identities.file_content([current]).encode(), mode=0o600)
    return tuple(old)
