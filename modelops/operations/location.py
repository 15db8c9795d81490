"""Where the store of a configuration is, when nobody says otherwise."""

from __future__ import annotations

from pathlib import Path


def store_url(url: str, folder: Path) -> str:
    """Return the given URL, else that of the SQLite store beside the configuration.

    The default is `.modelops/store.db` in the configuration folder, by its absolute path, so that
    it is the same store wherever a command is started.
    """
    return url or f"sqlite:///{(folder / '.modelops' / 'store.db').resolve()}"
