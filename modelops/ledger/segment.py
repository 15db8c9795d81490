"""One file of a worker's journal: appended to by its owner, locked for as long as that lives.

The file is made under a temporary name, locked, then renamed, so nobody ever sees it unlocked. A
lock that is free therefore means that the owner is gone, and the file may be adopted. Appending is
safe against a kill of the process; only what was synced is safe against a loss of power.
"""

from __future__ import annotations

import fcntl
import os
import re
from pathlib import Path
from typing import NamedTuple

SUFFIX = ".journal"
CHECKED_BYTES = 4096
"""About two records: what a disk that was full has to take before it is called well again."""

_NAME = re.compile(r"([0-9a-z-]{1,60})\.([0-9]{6})\.journal")


class SegmentName(NamedTuple):
    """Which worker's file this is, and which of its files."""

    worker: str
    number: int

    def __str__(self) -> str:
        return f"{self.worker}.{self.number:06d}{SUFFIX}"


def parse_name(name: str) -> SegmentName | None:
    """Return what a file name says; None when it is not that of a segment."""
    match = _NAME.fullmatch(name)
    return SegmentName(match[1], int(match[2])) if match else None


class Segment:
    """An open, locked file. `size` is where the next record goes."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self.size = os.fstat(descriptor).st_size
        self._descriptor = descriptor
        self._synced = self.size

    @property
    def name(self) -> str:
        """The file's name, by which the store knows how much of it is consumed."""
        return self.path.name

    @property
    def synced(self) -> bool:
        """Whether everything appended is safe against a loss of power."""
        return self._synced == self.size

    def append(self, record: bytes) -> None:
        """Write one record; OSError when it does not fit, and then the file is as before."""
        written = os.write(self._descriptor, record)
        if written != len(record):
            os.ftruncate(self._descriptor, self.size)
            raise OSError(f"{self.path}: only {written} of {len(record)} bytes were written")
        self.size += written

    def check(self) -> None:
        """See whether the disk takes a record, and leave the file as before; OSError if not."""
        try:
            if os.write(self._descriptor, bytes(CHECKED_BYTES)) != CHECKED_BYTES:
                raise OSError(f"{self.path}: the disk is full")
        finally:
            os.ftruncate(self._descriptor, self.size)

    def read(self, offset: int, limit: int) -> bytes:
        """Return up to `limit` bytes from `offset`."""
        return os.pread(self._descriptor, limit, offset)

    def sync(self) -> None:
        """Make what was appended safe against a loss of power; takes about half a millisecond."""
        size = self.size
        os.fdatasync(self._descriptor)
        self._synced = size

    def close(self) -> None:
        """Let go of the file and its lock."""
        os.close(self._descriptor)

    def remove(self) -> None:
        """Delete the file, then let go of it."""
        self.path.unlink(missing_ok=True)
        self.close()


def create(folder: Path, name: SegmentName) -> Segment:
    """Return a new, empty segment that is locked for this process."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path, temporary = folder / str(name), folder / f".{name}.new"
    flags = os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_APPEND | os.O_CLOEXEC
    descriptor = os.open(temporary, flags, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        temporary.rename(path)
    except OSError:
        os.close(descriptor)
        raise
    return Segment(path, descriptor)


def adopt(path: Path) -> Segment | None:
    """Return a segment whose owner is gone, locked for this process; None while it lives."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        removed = os.fstat(descriptor).st_nlink == 0
    except BlockingIOError:
        removed = True
    if removed:
        os.close(descriptor)
        return None
    return Segment(path, descriptor)
