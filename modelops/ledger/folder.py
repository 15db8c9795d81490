"""Where the journals of a store's workers lie."""

from __future__ import annotations

import hashlib
from pathlib import Path
from urllib.parse import urlsplit


def journal_folder(store_url: str, state_directory: Path) -> Path:
    """Return where the journals of a store's workers lie: beside a SQLite store, else here.

    Each database has a folder of its own, whatever user and password it is opened with: rows of a
    worker that is gone must not reach another's books.
    """
    if store_url.startswith("sqlite:"):
        return Path(f"{store_url.partition(':///')[2]}.journals")
    parts = urlsplit(store_url)
    place = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    return state_directory / f"{hashlib.sha256(place.encode()).hexdigest()[:12]}.journals"
