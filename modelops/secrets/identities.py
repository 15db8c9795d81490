"""age identities: private keys that open what is sealed or encrypted to their public halves.

People and CI jobs have theirs where sops looks for them, the server has its own (`server.py`).
Only X25519 identities are used in process; ssh keys, plugins and post-quantum ones are left to the
sops binary, which finds them itself.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyrage

from modelops.secrets.errors import NoKeyError, SecretError

MAX_BYTES = 65_536
"""Longest identity file that is read."""

_MARK = "AGE-SECRET-KEY-1"


class Identity:
    """One X25519 identity. Shows its public half, `recipient`, and nothing else."""

    __slots__ = ("_key", "recipient")

    def __init__(self, text: str) -> None:
        try:
            self._key = pyrage.x25519.Identity.from_str(text)
        except pyrage.IdentityError:
            raise SecretError("an age identity is malformed or was cut") from None
        self.recipient = str(self._key.to_public())

    def __repr__(self) -> str:
        return f"Identity({self.recipient})"

    def decrypt(self, content: bytes) -> bytes | None:
        """Return what an age file holds, None when this identity does not open it."""
        try:
            opened: bytes = pyrage.decrypt(content, [self._key])
        except pyrage.DecryptError:
            return None
        return opened

    def reveal(self) -> str:
        """Return the private key itself, as `AGE-SECRET-KEY-1...`."""
        return str(self._key)


def generate() -> Identity:
    """Return a new identity."""
    return Identity(str(pyrage.x25519.Identity.generate()))


def create(path: Path) -> Identity:
    """Make a new identity in a file of its own, mode 0600; never overwrite one."""
    identity = generate()
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise SecretError(
            f"there is an identity in {path} already",
            "use it; the server's is replaced with: modelops identity rotate",
        ) from None
    except OSError as error:
        raise SecretError(f"no identity can be made in {path}: {error.strerror}") from None
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(file_content([identity]))
    return identity


def file_content(found: Sequence[Identity]) -> str:
    """Return what an identity file holds, as age-keygen writes it."""
    return "".join(
        f"# public key: {identity.recipient}\n{identity.reveal()}\n" for identity in found
    )


def decrypt(content: bytes, identities: Sequence[Identity]) -> bytes:
    """Return what an age file holds; NoKeyError when none of the identities opens it."""
    for identity in identities:
        opened = identity.decrypt(content)
        if opened is not None:
            return opened
    raise NoKeyError("none of the age identities at hand opens it")


def encrypt(content: bytes, recipients: Sequence[str]) -> bytes:
    """Return content as an age file that any one of the recipients opens."""
    encrypted: bytes = pyrage.encrypt(content, [parse_recipient(text) for text in recipients])
    return encrypted


def parse_recipient(text: str) -> pyrage.x25519.Recipient:
    """Return an age recipient; SecretError when it is none."""
    try:
        return pyrage.x25519.Recipient.from_str(text)
    except pyrage.RecipientError:
        raise SecretError(
            f"{text[:80]!r} is not an age recipient", "it is the public half: age1..."
        ) from None


def parse(text: str) -> tuple[Identity, ...]:
    """Return the X25519 identities of an identity file; other lines are passed over, as in age."""
    lines = (line.strip() for line in text.splitlines())
    return tuple(Identity(line) for line in lines if line.startswith(_MARK))


def read_file(path: Path, *, private: bool = False) -> tuple[Identity, ...]:
    """Return the identities in a file; with `private`, refuse one that others may read."""
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise SecretError(f"the identity file {path} cannot be read: {error.strerror}") from None
    if private and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise SecretError(f"the identity file {path} is open to others", f"run: chmod 600 {path}")
    if len(content) > MAX_BYTES:
        raise SecretError(f"the identity file {path} is longer than {MAX_BYTES} bytes")
    return parse(content.decode("utf-8", "replace"))


def at_hand(environ: Mapping[str, str]) -> tuple[Identity, ...]:
    """Return the identities of whoever runs this, from where sops looks.

    That is SOPS_AGE_KEY, SOPS_AGE_KEY_FILE, and the user's `sops/age/keys.txt`.
    """
    found = parse(environ.get("SOPS_AGE_KEY", ""))
    if named := environ.get("SOPS_AGE_KEY_FILE"):
        found += read_file(Path(named))
    if (default := default_file(environ)) and default.is_file():
        found += read_file(default)
    return tuple({identity.recipient: identity for identity in found}.values())


def default_file(environ: Mapping[str, str]) -> Path | None:
    """Return where sops keeps a user's age keys, None when there is no home."""
    if base := environ.get("XDG_CONFIG_HOME"):
        return Path(base, "sops", "age", "keys.txt")
    home = environ.get("HOME")
    if not home:
        return None
    parts = ("Library", "Application Support") if sys.platform == "darwin" else (".config",)
    return Path(home, *parts, "sops", "age", "keys.txt")
