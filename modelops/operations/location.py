"""Where the store of a configuration is, when nobody says otherwise, and what lies beside it."""

from __future__ import annotations

import shlex
from pathlib import Path

from modelops.operations.identity import STATE_DIRECTORY
from modelops.resources.errors import ModelopsError
from modelops.store import sqlite_file
from modelops.store.protocol import StoreMissingError

SIMULATED_STORE = "simulated.db"
"""The store of `up --simulate`: apart, so that simulated rows never mix with real ones."""


def store_url(url: str, folder: Path) -> str:
    """Return the given URL, else that of the SQLite store beside the configuration.

    The default is `.modelops/store.db` in the configuration folder, by its absolute path, so that
    it is the same store wherever a command is started. ModelopsError when there is no such folder:
    a misspelt one must not look like a store that holds nothing yet.
    """
    if url:
        return url
    if not folder.is_dir():
        raise ModelopsError(
            f"there is no folder {folder}",
            "name the folder of modelops.yaml with -C, or the store with --store",
        )
    return f"sqlite:///{(folder / STATE_DIRECTORY / 'store.db').resolve()}"


def existing(url: str, folder: Path) -> str:
    """Return the URL of a store that is only read, as `store_url` does.

    StoreMissingError where there is no such SQLite file: only `plan` takes that for an empty store.
    """
    found = store_url(url, folder)
    if not found.startswith("sqlite:") or sqlite_file.exists(path := sqlite_file.path_of(found)):
        return found
    simulated = path.with_name(SIMULATED_STORE)
    its_url = shlex.quote(f"sqlite:///{simulated}")
    raise StoreMissingError(
        f"{sqlite_file.place_of(path)} does not exist",
        f"`up --simulate` keeps its own: name it with --store {its_url}"
        if not url and simulated.exists()
        else "name another with --store; `modelops apply` makes one",
    )


def is_simulated(url: str) -> bool:
    """Return whether a store is one of `up --simulate`, which keeps no secrets."""
    return url.startswith("sqlite:") and url.endswith(f"/{SIMULATED_STORE}")


def state_directory(url: str, folder: Path) -> Path | None:
    """Return where the server of a local store keeps its identity, None for a store elsewhere."""
    return folder / STATE_DIRECTORY if url.startswith("sqlite:") else None
