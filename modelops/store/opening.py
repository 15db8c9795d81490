"""The two ways into a store: `open_store` to use one, `migrate` to make or renew one.

Only `migrate` creates or changes tables; `apply` and `up` call it. `open_store` creates nothing:
a store that does not exist yet reads as the empty revision 0, so that `plan` has a base.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modelops.store.sql_store import SqlStore

LOCK_WAIT_S = 5.0
"""How long a statement waits for another process's write before StoreLockedError."""


def open_store(url: str, *, lock_wait_s: float = LOCK_WAIT_S) -> SqlStore:
    """Return the store at `sqlite:///PATH` or `postgresql://...`, connecting at its first use.

    Close it with `await store.close()`. StoreError when the URL names no store at all.
    """
    from modelops.store.sql_store import SqlStore

    return SqlStore(url, lock_wait_s=lock_wait_s)


async def migrate(url: str, *, lock_wait_s: float = LOCK_WAIT_S) -> None:
    """Create the store at `url`, or bring its tables to this version; nothing if it is current.

    All or nothing: a migration that is killed can be run again. StoreNewerError when the store was
    written by a newer modelops.
    """
    from modelops.store.migrating import migrate

    await migrate(url, lock_wait_s=lock_wait_s)
