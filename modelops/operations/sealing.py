"""What an apply does with secrets: open those that are new, seal them, and hand the rows over.

Everything here happens before the store is written: a file that does not open leaves the store as
it is. Nothing is opened that its row still fits, so most applies need no key at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from modelops.resources.configuration import Configuration, SecretSource
from modelops.secrets import server_identity
from modelops.secrets.demo import refuse_demo
from modelops.secrets.opening import open_sources
from modelops.secrets.sealed import SealedSecret
from modelops.secrets.sealing import recipients, rows_to_write, stale_sources


def seal_secrets(
    folder: Path,
    configuration: Configuration,
    rows: Sequence[SealedSecret],
    environ: Mapping[str, str],
    *,
    state_directory: Path | None,
    now_us: int,
) -> tuple[SealedSecret, ...]:
    """Return the rows of secrets that applying a configuration writes; () when none changes.

    `rows` are those the store holds. `state_directory` is where a local store and its server keep
    their identity, which is made there when it is needed first; None for a store elsewhere, which
    takes declared `server_recipients`. SecretError names the file that does not open.
    """
    to = recipients(configuration)
    if not to and state_directory is not None and _encrypted(configuration.secrets):
        to = _local(state_directory, environ)
    refuse_demo(to, "what is sealed to server_recipients")
    stale = stale_sources(configuration, rows, to)
    opened = open_sources(folder, stale, environ)
    return rows_to_write(configuration, rows, opened, to, now_us)


def _encrypted(sources: Sequence[SecretSource]) -> bool:
    return any(source.kind == "sops" for source in sources)


def _local(state_directory: Path, environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the recipients of the local server's identity, made now if there is none."""
    path = server_identity.location(state_directory, environ)
    if not path.exists():
        _, identity = server_identity.create(state_directory, environ)
        return (identity.recipient,)
    return tuple(identity.recipient for identity in server_identity.load(path))
