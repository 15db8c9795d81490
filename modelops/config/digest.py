"""The digest of a configuration: equal digests resolve to equal states.

Taken from bytes alone, so that a plan of what is live already needs no parsing at all. The bytes of
the code that checks and resolves are among them: another modelops may refuse what this one took.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from modelops import catalog
from modelops.config import files
from modelops.config.files import Source
from modelops.resources.state import FORM

_PACKAGE = Path(__file__).parents[1]


def config_digest(sources: Iterable[Source], environment: str) -> str:
    """Return the SHA-256, in hex, of all that a resolved configuration follows from."""
    lines = [f"form {FORM}", f"code {code_digest(_PACKAGE)}", f"catalog {catalog.digest()}"]
    lines.append(f"environment {environment}")
    lines.extend(
        f"{source.path} {hashlib.sha256(source.raw).hexdigest()}"
        for source in sorted(sources, key=lambda source: source.path)
    )
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


@cache
def code_digest(package: Path) -> str:
    """Return the SHA-256, in hex, of the code of the three rooms that a configuration passes."""
    code = hashlib.sha256()
    for room in ("catalog", "config", "resources"):
        for path in sorted((package / room).rglob("*.py")):
            code.update(path.read_bytes())
    return code.hexdigest()


def folder_digest(folder: Path, environment: str = "") -> str | None:
    """Return the digest of a folder as it is now, or None when some file cannot be read."""
    sources, problems = files.read(folder)
    return None if problems else config_digest(sources, environment)
