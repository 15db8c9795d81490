"""Looks for a planted secret, in the spellings in which one leaks."""

from __future__ import annotations

import base64
import urllib.parse
from collections.abc import Iterable, Mapping
from pathlib import Path

_BASE64_LOST = 4
"""Characters at each end of a base64 spelling that depend on what stands beside it."""


def spellings(secret: str) -> set[bytes]:
    """Return a secret as it is, in hex, percent-encoded, and inside any base64."""
    raw = secret.encode()
    found = {raw, raw.hex().encode(), urllib.parse.quote(secret, safe="").encode()}
    for before in range(3):
        encoded = base64.b64encode(b"x" * before + raw)
        found.add(encoded[_BASE64_LOST:-_BASE64_LOST])
    return found


def traces(secret: str, places: Mapping[str, bytes | str]) -> list[str]:
    """Return the names of the places in which a secret stands."""
    wanted = spellings(secret)
    contents = {
        name: content if isinstance(content, bytes) else content.encode()
        for name, content in places.items()
    }
    return [name for name, content in contents.items() if any(one in content for one in wanted)]


def files_under(*folders: Path) -> dict[str, bytes]:
    """Return every file below some folders by its path."""
    return {
        str(path): path.read_bytes()
        for folder in folders
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def processes(pids: Iterable[int]) -> dict[str, bytes]:
    """Return what every user (arguments) or the same user (environment) can read of processes."""
    return {
        f"/proc/{pid}/{name}": Path(f"/proc/{pid}/{name}").read_bytes()
        for pid in pids
        for name in ("cmdline", "environ")
    }
