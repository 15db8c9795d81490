"""Replace a file whole: a reader, or a crash, meets the old content or the new, never a part."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from modelops.resources.errors import ModelopsError


def replace_file(path: Path, content: bytes, mode: int | None = None) -> None:
    """Write content to a new file beside `path` and move it there.

    The mode is the given one, else that of the file replaced. A symbolic link is followed, so that
    it goes on pointing to what is replaced. ModelopsError when the folder or the disk takes none.
    """
    try:
        _replace(path.resolve(), content, mode)
    except OSError as error:
        raise ModelopsError(
            f"{path} cannot be written: {error.strerror}",
            "check the disk and the permissions of the folder; the file is as it was",
        ) from None


def _replace(target: Path, content: bytes, mode: int | None) -> None:
    kept = mode if mode is not None else target.stat().st_mode & 0o7777
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(kept)
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
