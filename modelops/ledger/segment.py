"""One file of a worker's journal: mapped and appended to by its owner, locked while that lives.

The file is made under a temporary name, locked, then renamed, so nobody ever sees it unlocked. A
lock that is free therefore means that the owner is gone, and the file may be adopted. All of its
space is allocated first: a full disk is met there, where it is an error, and not at a mapped page,
where it is a signal. Appending is a copy into the page cache, without a system call; it is safe
against a kill of the process, and only what was synced is safe against a loss of power.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import re
from pathlib import Path
from typing import NamedTuple

SUFFIX = ".journal"
_TEMPORARY = ".new"
_ZEROS = memoryview(bytes(64 << 10))
_NAME = re.compile(r"([0-9a-z-]{1,60})\.([0-9]{6,})(?:-([0-9]{6,}))?\.journal")


class SegmentName(NamedTuple):
    """Which worker's file this is, and which of its files; with `last` it stands for several.

    A file `W.000003-000010.journal` holds what is left of files 3 to 10, and supersedes them.
    """

    worker: str
    number: int
    last: int | None = None

    def __str__(self) -> str:
        last = "" if self.last is None else f"-{self.last:06d}"
        return f"{self.worker}.{self.number:06d}{last}{SUFFIX}"

    def supersedes(self, other: SegmentName) -> bool:
        """Say whether what the other file holds is in this one: both are there after a kill."""
        if self.last is None or self == other or self.worker != other.worker:
            return False
        end = other.number if other.last is None else other.last
        return self.number <= other.number and end <= self.last


def parse_name(name: str) -> SegmentName | None:
    """Return what a file name says; None when it is not that of a segment."""
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    return SegmentName(match[1], int(match[2]), int(match[3]) if match[3] else None)


class Segment:
    """An open, locked file. `size` is where the next record goes, `capacity` where it ends."""

    def __init__(self, path: Path, descriptor: int, map_: mmap.mmap | None = None) -> None:
        self.path = path
        self.capacity = os.fstat(descriptor).st_size
        self.size = 0 if map_ is not None else self.capacity
        self._descriptor = descriptor
        self._map = map_
        self._synced = self.size

    @property
    def name(self) -> str:
        """The file's name, by which the store knows how much of it is consumed."""
        return self.path.name

    @property
    def synced(self) -> bool:
        """Whether everything appended is safe against a loss of power."""
        return self._synced == self.size

    @property
    def closed(self) -> bool:
        """Whether file and lock were let go of."""
        return self._descriptor < 0

    def append(self, record: bytes) -> bool:
        """Write one record; return whether it fits. ValueError when the file is only read."""
        if self._map is None:
            raise ValueError(f"{self.path} is only read")
        start = self.size
        end = start + len(record)
        if end > self.capacity:
            return False
        self._map[start:end] = record
        self.size = end
        return True

    def read(self, offset: int, limit: int) -> bytes:
        """Return up to `limit` bytes from `offset`."""
        return os.pread(self._descriptor, limit, offset)

    def sync(self) -> None:
        """Make what was appended safe against a loss of power; waits for the disk.

        Not `mmap.flush`, which keeps every other thread waiting for the disk.
        """
        size = self.size
        if not self.closed:  # else it was done with while this waited for its turn
            getattr(os, "fdatasync", os.fsync)(self._descriptor)  # macOS has only fsync
        self._synced = size

    def publish(self, name: SegmentName) -> None:
        """Give an unpublished file its name; what was under that name is gone."""
        self.path = self.path.rename(self.path.with_name(str(name)))

    def seal(self) -> None:
        """Give back the space that nothing was written to: nothing more will be."""
        self._unmap()
        os.ftruncate(self._descriptor, self.size)
        self.capacity = self.size

    def close(self) -> None:
        """Let go of the file and its lock, if that is not done yet."""
        self._unmap()
        if not self.closed:
            os.close(self._descriptor)
            self._descriptor = -1

    def remove(self) -> None:
        """Delete the file, then let go of it."""
        self.path.unlink(missing_ok=True)
        self.close()

    def _unmap(self) -> None:
        if self._map is not None:
            self._map.close()
            self._map = None


def create(folder: Path, name: SegmentName, capacity: int) -> Segment:
    """Return a new, empty segment of so many bytes that is locked for this process."""
    made = create_unpublished(folder, str(name), capacity)
    try:
        made.publish(name)
    except OSError:
        made.close()
        raise
    return made


def create_unpublished(folder: Path, label: str, capacity: int) -> Segment:
    """Return a segment that is nobody's to adopt until it is published; OSError when none fits."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f".{label}{_TEMPORARY}"
    descriptor = _open_locked(path)
    try:
        _allocate(descriptor, capacity)
        return Segment(path, descriptor, mmap.mmap(descriptor, capacity))
    except OSError:
        path.unlink(missing_ok=True)
        os.close(descriptor)
        raise


def _open_locked(path: Path) -> int:
    """Make a file and lock it; once more where another worker swept it before it was locked."""
    while True:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        except OSError:
            path.unlink(missing_ok=True)
            os.close(descriptor)
            raise
        if os.fstat(descriptor).st_nlink:
            return descriptor
        os.close(descriptor)


def _allocate(descriptor: int, capacity: int) -> None:
    """Give a file all of its space, filled with zeros.

    Every file system can do this. The piece matters: it is what Linux maps, and marks as changed,
    at once. In pieces of 64 KiB appending costs least (benchmarks/README.md).
    """
    written = 0
    while written < capacity:
        written += os.write(descriptor, _ZEROS[: capacity - written])


def free_bytes(folder: Path) -> int:
    """Return how much room the disk under a folder has for this process."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize


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


def named(folder: Path, worker: str = "") -> list[SegmentName]:
    """Return the segments in a folder, of one worker if one is named, in their order."""
    found = (parse_name(path.name) for path in folder.glob(f"*{SUFFIX}"))
    return sorted(
        (name for name in found if name and worker in ("", name.worker)),
        key=lambda name: (name.worker, name.number, name.last or name.number),
    )


def sweep(folder: Path) -> None:
    """Delete what was never published because its maker is gone."""
    for path in folder.glob(f".*{_TEMPORARY}"):
        left = adopt(path)
        if left is not None:
            left.remove()
