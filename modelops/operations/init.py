"""Begin a configuration: write the files of `scaffold`, and see to an age identity outside git."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from modelops.operations.scaffold import scaffold
from modelops.resources import patterns
from modelops.resources.errors import ModelopsError
from modelops.secrets import identities

FALLBACK_NAME = "modelops"


class Initialized(msgspec.Struct, frozen=True, kw_only=True):
    """What was written and what was there already, by path within the folder.

    `recipient` is whom secrets are encrypted to; `identity_file` where its private key was made,
    None when one was at hand.
    """

    written: tuple[str, ...]
    kept: tuple[str, ...]
    recipient: str
    identity_file: Path | None


def init_folder(
    folder: Path, config: str, providers: Sequence[str], environ: Mapping[str, str]
) -> Initialized:
    """Write a new configuration; ModelopsError when the folder holds one.

    `config` '' names it after the folder. Files that are there, such as a .gitignore, are kept.
    """
    if (folder / "modelops.yaml").exists():
        raise ModelopsError(
            f"{folder} holds a configuration already",
            f"see what it says: modelops validate -C {shlex.quote(str(folder))}",
        )
    name = config or _name(folder)
    if not re.fullmatch(patterns.NAME, name):
        raise ModelopsError(
            f"{name!r} cannot name a configuration",
            "use lower-case letters, digits and hyphens, beginning with a letter",
        )
    scaffold(name, providers, "")  # refuses an unknown provider before anything is written
    recipient, identity_file = _recipient(environ)
    files = scaffold(name, providers, recipient)
    kept = tuple(path for path in files if (folder / path).exists())
    for path, content in files.items():
        if path not in kept:
            _write(folder / path, content)
    return Initialized(
        written=tuple(path for path in files if path not in kept),
        kept=kept,
        recipient=recipient,
        identity_file=identity_file,
    )


def _recipient(environ: Mapping[str, str]) -> tuple[str, Path | None]:
    """Return the public half of the identity at hand, or of a new one and where that lies."""
    if at_hand := identities.at_hand(environ):
        return at_hand[0].recipient, None
    path = identities.default_file(environ)
    if path is None:
        raise ModelopsError(
            "there is no place for an age identity: HOME is not set",
            "name an identity file in SOPS_AGE_KEY_FILE",
        )
    return identities.create(path).recipient, path


def _name(folder: Path) -> str:
    """Return a valid name derived from the folder's."""
    name = re.sub(r"[^a-z0-9]+", "-", folder.resolve().name.lower()).strip("-")
    return name[:63] if re.fullmatch(patterns.NAME, name[:63]) else FALLBACK_NAME


def _write(path: Path, content: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(content)
    except OSError as error:
        raise ModelopsError(f"{path} cannot be written: {error.strerror}") from None
