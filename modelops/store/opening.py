"""The two ways into a store: `open_store` to use one, `migrate` to make or renew one.

Only `migrate` creates or changes tables; `apply` and `up` call it. `open_store` creates nothing:
a store that does not exist yet reads as the empty revision 0, so that `plan` has a base.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from modelops.secrets.secret import Secret

if TYPE_CHECKING:
    from modelops.store.local_store import LocalStore
    from modelops.store.remote import RemoteStore
    from modelops.store.sql_store import SqlStore

LOCK_WAIT_S = 5.0
"""How long a statement waits for another process's write before StoreLockedError."""


def open_store(url: str, *, lock_wait_s: float = LOCK_WAIT_S) -> SqlStore:
    """Return the store at `sqlite:///PATH` or `postgresql://...`, connecting at its first use.

    Close it with `await store.close()`. StoreError when the URL names no store at all.
    """
    from modelops.store.protocol import StoreError
    from modelops.store.sql_store import SqlStore

    if is_remote(url):
        raise StoreError(
            f"{url} is a running server; this command needs its database",
            "name the database with --store sqlite:///PATH or postgresql://...",
        )
    return SqlStore(url, lock_wait_s=lock_wait_s)


def open_revisions(
    url: str, environ: Mapping[str, str] = os.environ
) -> LocalStore | SqlStore | RemoteStore:
    """Return what plans, applies and shows revisions: as `open_for_commands`, sooner for SQLite."""
    if not url.startswith("sqlite:"):
        return open_for_commands(url, environ)
    from modelops.store.local_store import LocalStore

    return LocalStore(url, lock_wait_s=LOCK_WAIT_S)


def open_for_commands(url: str, environ: Mapping[str, str] = os.environ) -> SqlStore | RemoteStore:
    """Return what commands use: a store as `open_store` does, or that of a server at http(s)://.

    A server is shown the key in MODELOPS_KEY.
    """
    if not is_remote(url):
        return open_store(url)
    from modelops.store.remote import RemoteStore

    key = environ.get("MODELOPS_KEY")
    return RemoteStore(url, Secret(key) if key else None)


def is_remote(url: str) -> bool:
    """Whether a store is reached through a running server."""
    return url.startswith(("http://", "https://"))


async def migrate(url: str, *, lock_wait_s: float = LOCK_WAIT_S) -> None:
    """Create the store at `url`, or bring its tables to this version; nothing if it is current.

    That of a running server is the server's to bring up to date.

    All or nothing: a migration that is killed can be run again. StoreNewerError when the store was
    written by a newer modelops.
    """
    if is_remote(url):
        return
    from modelops.store.migrating import migrate

    await migrate(url, lock_wait_s=lock_wait_s)
