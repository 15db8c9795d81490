"""The server's identity as a person handles it: make one, look at it, replace it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from modelops.resources.errors import RefusedError
from modelops.secrets import server_identity
from modelops.secrets.seal import key_id, sealed_to
from modelops.store.protocol import ConfigStore

STATE_DIRECTORY = ".modelops"


class ServerIdentity(msgspec.Struct, frozen=True, kw_only=True):
    """Where an identity lies, and its public halves: the current one first."""

    path: Path
    recipients: tuple[str, ...]


def create_identity(folder: Path, environ: Mapping[str, str]) -> ServerIdentity:
    """Make the server's identity; SecretError when there is one."""
    path, identity = server_identity.create(folder / STATE_DIRECTORY, environ)
    return ServerIdentity(path=path, recipients=(identity.recipient,))


def show_identity(folder: Path, environ: Mapping[str, str]) -> ServerIdentity:
    """Return the server's identity; SecretError when there is none that can be used."""
    path = server_identity.location(folder / STATE_DIRECTORY, environ)
    found = server_identity.load(path)
    return ServerIdentity(path=path, recipients=tuple(one.recipient for one in found))


def rotate_identity(folder: Path, environ: Mapping[str, str]) -> ServerIdentity:
    """Put a new identity before the present ones, which go on opening what they opened."""
    path = server_identity.location(folder / STATE_DIRECTORY, environ)
    rotated = server_identity.rotate(path)
    return ServerIdentity(path=path, recipients=tuple(one.recipient for one in rotated))


async def check_retirable(store: ConfigStore, folder: Path, environ: Mapping[str, str]) -> None:
    """Raise RefusedError unless the store is in use, and the current identity opens all its seals.

    The seals of deleted resources do not count: nothing seals them again.
    """
    if not (await store.head()).revision:
        raise RefusedError(
            "this store holds nothing, so it cannot tell what is sealed to the old identities",
            "name the server's store with --store; --force drops them without asking one",
        )
    current = key_id(show_identity(folder, environ).recipients[0])
    lost = [
        row.address
        for row in await store.secrets()
        if row.blob and row.deleted_at is None and current not in sealed_to(row.blob)
    ]
    if lost:
        raise RefusedError(
            f"without the old identities {len(lost)} keys would not open: "
            f"those of {', '.join(sorted(set(lost)))}",
            "seal them to the new one first: its public half in server_recipients, if any are "
            "declared, and modelops apply",
        )


def retire_identity(folder: Path, environ: Mapping[str, str]) -> ServerIdentity:
    """Drop all identities but the current one; what is sealed to the others no longer opens."""
    path = server_identity.location(folder / STATE_DIRECTORY, environ)
    server_identity.retire(path)
    return show_identity(folder, environ)
